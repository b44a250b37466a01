// An index of the words of a text, in Rust.
#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>

typedef struct words words;

// Splits a text, or returns NULL if it is not UTF-8.
words *words_new(const char *text);
void words_free(words *);
size_t words_count(const words *);
// The length of the word at a place; 0 behind the last one.
size_t words_length(const words *, size_t place);
// A copy of the word at a place, for words_copy_free, or NULL.
char *words_copy(const words *, size_t place);
void words_copy_free(char *);
// The length of the longest word. Looks at each, and takes its time.
size_t words_longest(const words *);

#endif
