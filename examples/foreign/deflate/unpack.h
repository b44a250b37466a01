#include <stddef.h>

// Unpacks one or more streams of zlib that lie one after the other. Returns how many bytes it has written, or -1 if they
// are no streams of zlib or their content needs more room.
long unpack(const unsigned char *data, size_t size, unsigned char *out, size_t room);
