#include "gates.h"

#include <stdlib.h>
#include <string.h>

void native_branch(const unsigned char *data, size_t size) {
	if (size < 3) return;
	if (data[0] == 'C')
		if (data[1] == '9')
			if (data[2] == '9') abort();
}

void native_compare(const unsigned char *data, size_t size) {
	static const char magic[] = "compared";
	if (size >= 8 && memcmp(data, magic, 8) == 0) abort();
}

int over_read(const unsigned char *data, size_t size) { return data[size]; }

// Volatile, or the compiler takes memory that nobody has set for what suits it.
void unset(void) {
	volatile int *number = malloc(sizeof *number);
	int is = *number == 77;
	free((void *)number);
	if (is) abort();
}
