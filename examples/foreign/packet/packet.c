#include "packet.h"

enum { HEADER = 4, VERSION = 2 };

int packet_sum(const unsigned char *data, size_t size) {
	if (size < HEADER || data[0] != 'P' || data[1] != 'K') return -1;
	if (data[2] != VERSION) return -1;
	size_t length = data[3];
	int sum = 0;
	for (size_t i = 0; i < length; i++) sum += data[HEADER + i];
	return sum;
}
