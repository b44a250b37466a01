// An index of words, in C++.
#ifndef INDEX_H
#define INDEX_H
#ifdef __cplusplus
extern "C" {
#endif

typedef struct index_t index_t;

index_t *index_new(void);
void index_free(index_t *);
// Adds a word, and gives its place.
int index_add(index_t *, const char *word);
// The length of the word at a place; 0 behind the last one.
int index_length(index_t *, int place);
// A copy of the word at a place, which the caller frees.
char *index_word(index_t *, int place);

#ifdef __cplusplus
}
#endif
#endif
