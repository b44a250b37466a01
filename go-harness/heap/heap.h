#ifndef HEAP_H
#define HEAP_H

struct heap_counts {
	long blocks, bytes;
};

struct heap_counts heap_now(void);

#endif
