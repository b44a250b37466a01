package courier

import (
	"fmt"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// abi is what a header, or a library, says about itself.
type abi struct {
	version uint32
	layout  uint64 // fingerprint of all sizes, offsets and constants
}

var header = abi{capi.ABIVersion, capi.LayoutFingerprint()}

// library asks the linked library. Tests put another library in its place.
var library = func() abi { return abi{capi.LibraryABIVersion(), capi.LibraryLayoutFingerprint()} }

// checkABI refuses a library that was not built with the header that this binding was compiled with,
// such as a stale archive: its structs could have other shapes.
func checkABI(op string) error {
	found := library()
	if found.version != header.version {
		return refuse(op, ErrABIMismatch,
			fmt.Sprintf("the library has ABI version %d, the binding was compiled for %d", found.version, header.version))
	}
	if found.layout != header.layout {
		return refuse(op, ErrABIMismatch,
			fmt.Sprintf("the library has layout %#x, the binding was compiled for %#x: they are of different builds", found.layout, header.layout))
	}
	return nil
}
