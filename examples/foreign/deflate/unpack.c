#include "unpack.h"

#include <zlib.h>

long unpack(const unsigned char *data, size_t size, unsigned char *out, size_t room) {
	z_stream stream = {0};
	if (inflateInit(&stream) != Z_OK) return -1;
	stream.next_in = (unsigned char *)data;
	stream.avail_in = size;
	stream.next_out = out;
	stream.avail_out = room;
	int status;
	while ((status = inflate(&stream, Z_FINISH)) == Z_STREAM_END) {
		if (stream.avail_in == 0) break;
		inflateReset(&stream);
	}
	long written = stream.total_out;
	inflateEnd(&stream);
	return status == Z_STREAM_END ? written : -1;
}
