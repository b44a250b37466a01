package courier

import (
	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/courier/internal/handle"
)

// A Blob is immutable bytes in native memory. It outlives the runtime that it came from. All methods may
// be called on any goroutine. The bytes of a leaked blob are freed when the leak is reported.
type Blob struct {
	handle handle.Shared
}

func newBlob(id uint64) *Blob {
	blob := new(Blob)
	blob.handle.Init("blob", id, capi.BlobRelease)
	return blob
}

// Bytes returns a copy, which belongs to the caller. It is not nil, also when the blob is empty.
func (b *Blob) Bytes() ([]byte, error) {
	const op = "read blob"
	id, ok := b.handle.Begin()
	if !ok {
		return nil, closed(op)
	}
	defer b.handle.End()
	bytes, err := capi.BlobBytes(id)
	return bytes, wrap(op, err)
}

// Close frees the bytes. It always returns nil.
func (b *Blob) Close() error {
	b.handle.Close(handle.Outside, capi.BlobRelease)
	return nil
}
