// A store of strings by strings.
#ifndef KV_H
#define KV_H

typedef struct kv kv;

// Makes an empty store, or NULL.
kv *kv_open(void);
// Frees it and all that is in it.
void kv_close(kv *);
// Copies both strings. Returns 0, or -1 without memory.
int kv_set(kv *, const char *key, const char *value);
// Returns the value, which lives until the store changes, or NULL.
const char *kv_get(kv *, const char *key);
// Counts the pairs whose value contains the text. Looks at each, and takes its time.
int kv_count(kv *, const char *text);
// A word of the caller's that goes with the store.
void **kv_label(kv *);

#endif
