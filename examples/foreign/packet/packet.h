#include <stddef.h>

// Adds the bytes of a packet's body: "PK", a version, the length of the body, the body. Returns -1 if it is none.
int packet_sum(const unsigned char *data, size_t size);
