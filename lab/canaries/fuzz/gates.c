#include "gates.h"

#include <stdlib.h>

void native_branch(const unsigned char *data, size_t size) {
	if (size < 3) return;
	if (data[0] == 'C')
		if (data[1] == '9')
			if (data[2] == '9') abort();
}

int over_read(const unsigned char *data, size_t size) { return data[size]; }
