#include "crash.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static int *volatile nowhere;
static void *volatile kept;

void c_segv(void) { *nowhere = 1; }

static void *segv(void *argument) {
	c_segv();
	return argument;
}

void c_segv_on_a_thread(void) {
	pthread_t thread;
	pthread_create(&thread, NULL, segv, NULL);
	pthread_join(thread, NULL);
}

void c_abort(void) { abort(); }

void c_exit(void) { exit(4); }

void c_loop(void) {
	for (volatile int i = 0;; i++) {
	}
}

int c_divide(int by) {
	volatile int zero = by;
	return 7 / zero;
}

int c_use_after_free(void) {
	volatile char *memory = malloc(16);
	free((void *)memory);
	return memory[3];
}

int c_read(const unsigned char *data, size_t at) { return data[at]; }

void c_leak(void) {
	kept = malloc(4321);
	kept = NULL;
}

// Counts handlers that run on the stack that they interrupt, and those that have one of their own.
void c_count_handlers(int *on_any_stack, int *on_their_own) {
	*on_any_stack = *on_their_own = 0;
	for (int number = 1; number < SIGRTMIN; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action)) continue;
		if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
		++*(action.sa_flags & SA_ONSTACK ? on_their_own : on_any_stack);
	}
}

extern void goPanicsForC(void);

void c_calls_back(void) { goPanicsForC(); }
