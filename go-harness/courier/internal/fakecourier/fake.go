//go:build courier_nolink && courier_fake

package fakecourier

/*
#cgo CFLAGS: -I${SRCDIR}/../capi
#include <stdlib.h>
#include "fake.h"
*/
import "C"

import (
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// Reset removes all injected faults, and forgets everything. No runtime may be open.
func Reset() {
	C.fake_reset()
	Pretend(capi.ABIVersion, capi.LayoutFingerprint())
}

// Pretend is what the library says about itself.
func Pretend(version uint32, fingerprint uint64) {
	C.fake_pretend(C.uint32_t(version), C.uint64_t(fingerprint))
}

// Return has the next call of a function return a status, without effect, after skip calls that are as
// usual. One such fault is remembered at a time.
func Return(function string, skip int, status int32, message string) {
	name, text := C.CString(function), C.CString(message)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(text))
	C.fake_return(name, C.int(skip), C.courier_status(status), text)
}

// Calls says how often a function was called since Reset.
func Calls(function string) int {
	name := C.CString(function)
	defer C.free(unsafe.Pointer(name))
	return int(C.fake_calls(name))
}

// Queue adds an event of a session with a payload.
func Queue(session uint64, kind, failure int32, payload string) {
	text := C.CString(payload)
	defer C.free(unsafe.Pointer(text))
	C.fake_queue(C.uint64_t(session), C.int32_t(kind), C.int32_t(failure), text, C.size_t(len(payload)))
}

// Give has a call of a function return this value in its out parameter, whatever is true, after skip calls
// that are as usual; with a negative skip all calls do. As function, "courier_event.payload" stands for the
// making of an event. One value is remembered at a time.
func Give(function string, skip int, value uint64) {
	name := C.CString(function)
	defer C.free(unsafe.Pointer(name))
	C.fake_give(name, C.int(skip), C.uint64_t(value))
}

// NextKind has loads end in this way, from now on.
func NextKind(kind, failure int32) { C.fake_next_kind(C.int32_t(kind), C.int32_t(failure)) }

// Keep has loads not end, from now on.
func Keep() { C.fake_keep() }

// LastSession is the session that was made last.
func LastSession() uint64 { return uint64(C.fake_last_session()) }

// Lend has the library lend this memory as each message.
func Lend(data uintptr, length uint64) { C.fake_lend(C.uintptr_t(data), C.size_t(length)) }

// Log makes a record of this memory.
func Log(level int32, data uintptr, length uint64) {
	C.fake_log(C.int32_t(level), C.uintptr_t(data), C.size_t(length))
}

// Callback is one that was installed, as the library remembers it: also when it was taken out or replaced
// since.
type Callback struct{ token C.uint64_t }

// Stranger is a callback that was never installed.
func Stranger(token uint64) Callback { return Callback{C.uint64_t(token)} }

// Installed is the provider or wake callback that was installed last.
func Installed(wake bool) Callback {
	which := C.int(0)
	if wake {
		which = 1
	}
	return Callback{C.fake_installed(which)}
}

// Offer calls a provider, if it is one, with a request, and returns its decision.
func (c Callback) Offer(request uint64, url string) int32 {
	text := C.CString(url)
	defer C.free(unsafe.Pointer(text))
	return int32(C.fake_offer(c.token, C.uint64_t(request), text))
}

// OfferView is Offer with this memory as URL.
func (c Callback) OfferView(request uint64, data uintptr, length uint64) int32 {
	return int32(C.fake_offer_view(c.token, C.uint64_t(request), C.uintptr_t(data), C.size_t(length)))
}

// Wake calls a wake callback, if it is one.
func (c Callback) Wake() { C.fake_wake(c.token) }
