package m

// #include <stddef.h>
// static int sum(const unsigned char *data, size_t size) {
//   int sum = 0;
//   for (size_t i = 0; i < size; i++) sum += data[i] > 'A' ? 2 : 1;
//   return sum;
// }
import "C"

import "unsafe"

func sum(data []byte) int {
	return int(C.sum((*C.uchar)(unsafe.SliceData(data)), C.size_t(len(data))))
}
