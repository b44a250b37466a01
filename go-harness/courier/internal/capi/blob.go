package capi

/*
#include "helpers.h"

static capi_result capi_blob_copy(courier_blob blob, uint8_t *buffer, size_t capacity) {
	size_t required = 0;
	capi_result result = {courier_blob_copy(blob, buffer, capacity, &required), 0};
	result.value = required;
	return result;
}
*/
import "C"

import "unsafe"

// BlobBytes copies a blob out: it asks for the size, and then for the bytes, of which there are below 2 GiB.
// The result is never nil on success: an empty blob is not an absent one.
func BlobBytes(blob uint64) ([]byte, error) {
	size, err := blobCopy(blob, nil)
	if err != nil {
		return nil, err
	}
	if size > maxSize {
		return nil, broken("too-large", "the library has a blob of %d bytes, and %d can be read", size, maxSize)
	}
	bytes := make([]byte, size)
	if size == 0 {
		return bytes, nil
	}
	copied, err := blobCopy(blob, bytes)
	if err != nil {
		return nil, err
	}
	if copied != size {
		return nil, broken("size-changed", "the library has a blob of %d bytes that it copies as %d", size, copied)
	}
	return bytes, nil
}

func blobCopy(blob uint64, buffer []byte) (required uint64, err error) {
	err = check("courier_blob_copy", func() C.courier_status {
		data := (*C.uint8_t)(unsafe.SliceData(buffer))
		r := C.capi_blob_copy(C.courier_blob(blob), data, C.size_t(len(buffer)))
		required = uint64(r.value)
		return r.status
	})
	return required, err
}

func BlobRelease(blob uint64) {
	point("courier_blob_release")
	C.courier_blob_release(C.courier_blob(blob))
}
