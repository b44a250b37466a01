// Package given has a cleanup for what C gives back.
package given

/*
#include <stdint.h>
static uintptr_t last;
static int post(uintptr_t h) { last = h; return 0; }
static uintptr_t done(void) { return last; }
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
)

type result struct{ n int }

func Post(f func()) { C.post(C.uintptr_t(cgo.NewHandle(f))) }

func Done() *result {
	r := &result{}
	runtime.AddCleanup(r, func(h C.uintptr_t) { cgo.Handle(h).Delete() }, C.done())
	return r
}
