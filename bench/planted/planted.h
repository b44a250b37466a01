#include <stddef.h>

/* Return 1 for data that begins with "BUG!", byte by byte or as one number, or with "BUG". */
int gate_bytes(const unsigned char *data, size_t size);
int gate_word(const unsigned char *data, size_t size);
int gate_short(const unsigned char *data, size_t size);

/* Runs through many branches, and returns something that depends on them. */
unsigned much(const unsigned char *data, size_t size);
