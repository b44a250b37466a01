#include "gates.h"

#include <stdlib.h>

void native_branch(const unsigned char *data, size_t size) {
	if (size < 3) return;
	if (data[0] == 'C')
		if (data[1] == '9')
			if (data[2] == '9') abort();
}

int over_read(const unsigned char *data, size_t size) { return data[size]; }

// Volatile, or the compiler takes memory that nobody has set for what suits it.
void unset(void) {
	volatile int *number = malloc(sizeof *number);
	int is = *number == 77;
	free((void *)number);
	if (is) abort();
}
