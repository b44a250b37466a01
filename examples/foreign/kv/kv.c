#include "kv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pair {
	char *key, *value;
	struct pair *next;
};

struct kv {
	struct pair *first;
	void *label;
};

kv *kv_open(void) { return calloc(1, sizeof(kv)); }

void kv_close(kv *store) {
	for (struct pair *pair = store->first, *next; pair; pair = next) {
		next = pair->next;
		free(pair->key);
		free(pair->value);
		free(pair);
	}
	// A closed store is not to be mistaken for an open one.
	store->first = NULL;
	free(store);
}

int kv_set(kv *store, const char *key, const char *value) {
	struct pair *pair = malloc(sizeof *pair);
	if (!pair) return -1;
	pair->key = strdup(key);
	pair->value = strdup(value);
	pair->next = store->first;
	store->first = pair;
	return 0;
}

const char *kv_get(kv *store, const char *key) {
	for (struct pair *pair = store->first; pair; pair = pair->next)
		if (strcmp(pair->key, key) == 0) return pair->value;
	return NULL;
}

int kv_count(kv *store, const char *text) {
	usleep(1000);
	int count = 0;
	for (struct pair *pair = store->first; pair; pair = pair->next)
		if (strstr(pair->value, text)) count++;
	return count;
}

void **kv_label(kv *store) { return &store->label; }
