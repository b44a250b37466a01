package capi

/*
#include <stdlib.h>
#include "helpers.h"

// Defined in trampoline.c.
courier_decision capi_provide(void *user_data, courier_request request, courier_string_view url);
void capi_cancel(void *user_data);
void capi_wake(void *user_data);
void capi_log(void *user_data, courier_log_level level, courier_string_view text);

static courier_status capi_runtime_set_provider(courier_runtime runtime, uint64_t *cell) {
	courier_provider provider = {.size = sizeof provider, .provide = capi_provide, .user_data = cell};
	return courier_runtime_set_provider(runtime, &provider);
}

static courier_status capi_runtime_set_wake_callback(courier_runtime runtime, uint64_t *cell) {
	courier_wake_callback callback = {.size = sizeof callback, .wake = capi_wake, .user_data = cell};
	return courier_runtime_set_wake_callback(runtime, &callback);
}

static courier_status capi_set_log_callback(courier_log_level limit, uint64_t *cell) {
	courier_log_callback callback = {.size = sizeof callback, .limit = limit, .log = capi_log, .user_data = cell};
	return courier_set_log_callback(&callback);
}

static capi_result capi_request_on_cancel(courier_request request, uint64_t *cell) {
	courier_cancel_callback callback = {.size = sizeof callback, .cancel = capi_cancel, .user_data = cell};
	uint32_t cancelled = 0;
	capi_result result = {courier_request_on_cancel(request, &callback, &cancelled), 0};
	result.value = cancelled;
	return result;
}
*/
import "C"

import (
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/courier/internal/token"
)

// The callbacks, as the trampolines call them: on whatever thread the library chose, several at once.
// Text is a copy.
type (
	// Provide answers with a courier_decision.
	Provide func(request uint64, url string) int32
	// Notify is a wake or a cancellation callback.
	Notify func()
	// Log takes a record.
	Log func(level int32, text string)
)

// Cell is the user_data of an installed callback: a word of C memory with the token of a Go closure.
// C gets the address of the word and Go gets the token, so neither holds a pointer of the other's, and
// the closure stays reachable for as long as the cell is not freed.
type Cell struct {
	token token.Token
	word  *C.uint64_t
}

// NewCell makes a cell for callback. It must be freed, once, when C will not call it any more.
func NewCell[F Provide | Notify | Log](callback F) *Cell {
	point("cell.new")
	cell := &Cell{
		token: token.New(callback),
		word:  (*C.uint64_t)(C.malloc(C.size_t(unsafe.Sizeof(C.uint64_t(0))))),
	}
	*cell.word = C.uint64_t(cell.token)
	return cell
}

// Free frees the cell. A nil cell is fine; a second Free is a bug, and panics.
func (c *Cell) Free() {
	if c == nil {
		return
	}
	point("cell.free")
	c.token.Delete()
	C.free(unsafe.Pointer(c.word))
}

// RuntimeSetProvider installs the Provide of cell. After an error C has not kept it.
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

// RuntimeSetWakeCallback installs the Notify of cell. After an error C has not kept it.
func RuntimeSetWakeCallback(runtime uint64, cell *Cell) error {
	return check("courier_runtime_set_wake_callback", func() C.courier_status {
		return C.capi_runtime_set_wake_callback(C.courier_runtime(runtime), cell.word)
	})
}

func RuntimeClearWakeCallback(runtime uint64) error {
	return check("courier_runtime_clear_wake_callback", func() C.courier_status {
		return C.courier_runtime_clear_wake_callback(C.courier_runtime(runtime))
	})
}

// SetLogCallback installs the Log of cell for records up to limit. After an error C has not kept it.
func SetLogCallback(limit int32, cell *Cell) error {
	return check("courier_set_log_callback", func() C.courier_status {
		return C.capi_set_log_callback(C.courier_log_level(limit), cell.word)
	})
}

func ClearLogCallback() error {
	return check("courier_clear_log_callback", func() C.courier_status {
		return C.courier_clear_log_callback()
	})
}

// RequestOnCancel registers the Notify of cell. After an error, and if the load was cancelled before, C
// has not kept it.
func RequestOnCancel(request uint64, cell *Cell) (cancelled bool, err error) {
	err = check("courier_request_on_cancel", func() C.courier_status {
		r := C.capi_request_on_cancel(C.courier_request(request), cell.word)
		cancelled = r.value != 0
		return r.status
	})
	return cancelled, err
}

func RequestClearOnCancel(request uint64) error {
	return check("courier_request_clear_on_cancel", func() C.courier_status {
		return C.courier_request_clear_on_cancel(C.courier_request(request))
	})
}
