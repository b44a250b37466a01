#ifndef RARE_H
#define RARE_H

#include <stdint.h>

// A sample of 256 bytes.
typedef struct sample sample;
sample *sample_new(unsigned char fill);
void sample_free(sample *s);
int sample_sum(const sample *s);

// A thread that calls back with the token of its subscriber, while there is one.
typedef struct ticker ticker;
ticker *ticker_new(void (*tick)(uintptr_t));
void ticker_subscribe(ticker *t, uintptr_t token);
void ticker_free(ticker *t);

// A box for one value. take waits at most this long; it returns 0, or -1 if none came.
typedef struct box box;
box *box_new(void);
void box_free(box *b);
void box_put(box *b, int value);
int box_take(box *b, int milliseconds, int *value);

#endif
