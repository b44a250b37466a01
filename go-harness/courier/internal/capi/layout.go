package capi

/*
#include "courier.h"
#include "layout.h"
*/
import "C"

import (
	_ "embed"
	"fmt"
	"hash/fnv"
	"unsafe"
)

// The header as this package was compiled with it.
//
//go:embed courier.h
var headerText string

// ABIVersion is the version of the header that the binding was compiled with.
const ABIVersion = C.COURIER_ABI_VERSION

// LibraryABIVersion is the version of the library that it was linked with.
func LibraryABIVersion() uint32 { return uint32(C.courier_abi_version()) }

// LayoutFingerprint is the fingerprint of the header that the binding was compiled with.
func LayoutFingerprint() uint64 { return fingerprint(layoutText()) }

// LibraryLayoutFingerprint is the fingerprint that the library was built with.
func LibraryLayoutFingerprint() uint64 { return uint64(C.courier_layout_fingerprint()) }

// layoutText is what the binding was compiled with: version and hash of the header, and its sizes,
// offsets and constants as the C compiler sees them. The library makes the same text from Rust's view.
func layoutText() string { return identityLines() + cLayout() }

// identityLines are the first two lines of the layout text.
func identityLines() string {
	return fmt.Sprintf("abi %d\nheader %016x\n", ABIVersion, fingerprint(headerText))
}

func cLayout() string {
	text := make([]byte, C.capi_layout_text(nil, 0)+1)
	length := C.capi_layout_text((*C.char)(unsafe.Pointer(unsafe.SliceData(text))), C.size_t(len(text)))
	return string(text[:length])
}

func fingerprint(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}

// layoutRow is one line of the layout text in Go's view. The rows are in layout_generated.go, because a
// test file cannot import "C".
type layoutRow struct {
	name    string
	numbers []int64
}

func structRow(name string, size, align uintptr) layoutRow {
	return layoutRow{"struct " + name, []int64{int64(size), int64(align)}}
}

func fieldRow(name string, offset, size uintptr) layoutRow {
	return layoutRow{"field " + name, []int64{int64(offset), int64(size)}}
}

func constRow(name string, value int64) layoutRow {
	return layoutRow{"const " + name, []int64{value}}
}
