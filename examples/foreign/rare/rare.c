#include "rare.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sample {
	unsigned char bytes[256];
};

sample *sample_new(unsigned char fill) {
	sample *s = malloc(sizeof *s);
	if (s) memset(s->bytes, fill, sizeof s->bytes);
	return s;
}

void sample_free(sample *s) { free(s); }

int sample_sum(const sample *s) {
	// Stands for the time that a device would need.
	struct timespec pause = {0, 20000};
	nanosleep(&pause, NULL);
	int sum = 0;
	for (size_t i = 0; i < sizeof s->bytes; i++) sum += s->bytes[i];
	return sum;
}

struct ticker {
	void (*tick)(uintptr_t);
	_Atomic uintptr_t token;
	_Atomic int over;
	pthread_t thread;
};

static void *run(void *argument) {
	ticker *t = argument;
	while (!t->over) {
		uintptr_t token = t->token;
		if (token) t->tick(token);
		struct timespec pause = {0, 100000};
		nanosleep(&pause, NULL);
	}
	return NULL;
}

ticker *ticker_new(void (*tick)(uintptr_t)) {
	ticker *t = calloc(1, sizeof *t);
	if (!t) return NULL;
	t->tick = tick;
	if (pthread_create(&t->thread, NULL, run, t)) {
		free(t);
		return NULL;
	}
	return t;
}

void ticker_subscribe(ticker *t, uintptr_t token) { t->token = token; }

void ticker_free(ticker *t) {
	t->over = 1;
	pthread_join(t->thread, NULL);
	free(t);
}

struct box {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	_Atomic int full;
	int value;
};

box *box_new(void) {
	box *b = calloc(1, sizeof *b);
	if (!b) return NULL;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->filled, NULL);
	return b;
}

void box_free(box *b) {
	pthread_cond_destroy(&b->filled);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void box_put(box *b, int value) {
	pthread_mutex_lock(&b->lock);
	b->value = value;
	b->full = 1;
	pthread_cond_signal(&b->filled);
	pthread_mutex_unlock(&b->lock);
}

int box_take(box *b, int milliseconds, int *value) {
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	int status = 0;
	if (!b->full) {
		pthread_mutex_lock(&b->lock);
		status = pthread_cond_timedwait(&b->filled, &b->lock, &until);
		pthread_mutex_unlock(&b->lock);
	}
	if (status == ETIMEDOUT) return -1;
	pthread_mutex_lock(&b->lock);
	*value = b->value;
	b->full = 0;
	pthread_mutex_unlock(&b->lock);
	return 0;
}
