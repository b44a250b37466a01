// Package keeps calls C that keeps what it is given, which its code shows.
package keeps

/*
typedef struct request { void *data; int n; } request;
request *request_new(void);
void request_send(request *r);

static void *kept;
static void keep_it(void *p) { kept = p; }
static void keep_in(request *r, void *p) { r->data = p; r->n = 1; }
static void use_now(void *p) { kept = p; request_send(0); kept = 0; }
static void send_now(request *r, void *p) { r->data = p; request_send(r); }
static void forget(void *p) { kept = p; kept = 0; }
static void own(void *p) { void *mine; mine = p; (void)mine; }
*/
import "C"

import (
	"runtime"
	"unsafe"
)

func Keep(b []byte) {
	C.keep_it(unsafe.Pointer(&b[0])) // want `C.keep_it stores the address of Go memory in memory of C`
}

func KeepIn(b []byte) {
	C.keep_in(C.request_new(), unsafe.Pointer(&b[0])) // want `C.keep_in stores the address of Go memory in memory of C`
}

func KeepPinned(b []byte, pinner *runtime.Pinner) {
	pinner.Pin(&b[0])
	C.keep_it(unsafe.Pointer(&b[0]))
}

// In a struct of Go.
func KeepInGo(b []byte) {
	var req C.request
	C.keep_in(&req, unsafe.Pointer(&b[0]))
}

// For the time of the call.
func Now(b []byte) {
	C.use_now(unsafe.Pointer(&b[0]))
	C.send_now(C.request_new(), unsafe.Pointer(&b[0]))
	C.forget(unsafe.Pointer(&b[0]))
	C.own(unsafe.Pointer(&b[0]))
}
