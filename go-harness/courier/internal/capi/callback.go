package capi

/*
#include <stdlib.h>
#include "helpers.h"

// Defined in trampoline.c.
courier_decision capi_provide(void *user_data, courier_request request, courier_string_view url);

static courier_status capi_runtime_set_provider(courier_runtime runtime, uintptr_t *cell) {
	courier_provider provider = {.size = sizeof provider, .provide = capi_provide, .user_data = cell};
	return courier_runtime_set_provider(runtime, &provider);
}
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// Provide is a provider as the trampoline calls it: on whatever thread the library chose, several at
// once. The URL is a copy. The result is a courier_decision.
type Provide func(request uint64, url string) int32

// Cell is the user_data of an installed callback: a word of C memory with the token of a Go closure.
// C gets the address of the word and Go gets the token, so neither holds a pointer of the other's, and
// the closure stays reachable for as long as the cell is not freed.
type Cell struct {
	token cgo.Handle
	word  *C.uintptr_t
}

// NewCell makes a cell for provide. It must be freed, once, when C will not call it any more.
func NewCell(provide Provide) *Cell {
	point("cell.new")
	cell := &Cell{
		token: cgo.NewHandle(provide),
		word:  (*C.uintptr_t)(C.malloc(C.size_t(unsafe.Sizeof(C.uintptr_t(0))))),
	}
	*cell.word = C.uintptr_t(cell.token)
	return cell
}

// Free frees the cell. A nil cell is fine.
func (c *Cell) Free() {
	if c == nil {
		return
	}
	point("cell.free")
	c.token.Delete()
	C.free(unsafe.Pointer(c.word))
}

// RuntimeSetProvider installs the callback of cell. After an error C has not kept it.
func RuntimeSetProvider(runtime uint64, cell *Cell) error {
	return check("courier_runtime_set_provider", func() C.courier_status {
		return C.capi_runtime_set_provider(C.courier_runtime(runtime), cell.word)
	})
}

func RuntimeClearProvider(runtime uint64) error {
	return check("courier_runtime_clear_provider", func() C.courier_status {
		return C.courier_runtime_clear_provider(C.courier_runtime(runtime))
	})
}
