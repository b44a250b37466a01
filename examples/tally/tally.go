// Package tally binds a native counter.
package tally

/*
#cgo CFLAGS: -I${SRCDIR}/include
#cgo !tally_asan LDFLAGS: ${SRCDIR}/target/release/libtally.a
#cgo linux LDFLAGS: -lpthread -ldl -lm
#include <stdlib.h>
#include "tally.h"

extern void tallyEach(uint64_t count, void *user_data);
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync"
	"unsafe"
)

// The categories of errors, for errors.Is.
var (
	ErrClosed = errors.New("tally: closed")
	ErrFull   = errors.New("tally: full")
)

// A Tally counts up to a limit. Its methods may be called from any goroutine.
type Tally struct {
	mu sync.RWMutex // held while a call uses id: Close waits
	id C.uint64_t   // 0 when closed
}

// New makes a tally that counts from 0 up to the limit.
func New(limit uint64) *Tally { return &Tally{id: C.tally_new(C.uint64_t(limit))} }

// Add counts n more, or nothing if that is more than the limit. It calls each, unless it is nil, with every
// number that is counted; a panic in it goes on when the native call has returned. each must not close the
// tally.
func (t *Tally) Add(n uint64, each func(count uint64)) error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if each == nil {
		return t.check(func(id C.uint64_t) C.int { return C.tally_add(id, C.uint64_t(n), nil, nil) })
	}
	call := &upcall{each: each}
	token := cgo.NewHandle(call)
	defer token.Delete()
	// C has the token in memory of its own: a Go pointer to the handle must not be kept by C.
	cell := (*C.uintptr_t)(C.malloc(C.size_t(unsafe.Sizeof(C.uintptr_t(0)))))
	defer C.free(unsafe.Pointer(cell))
	*cell = C.uintptr_t(token)
	err := t.check(func(id C.uint64_t) C.int {
		return C.tally_add(id, C.uint64_t(n), C.tally_each(C.tallyEach), unsafe.Pointer(cell))
	})
	if call.panicked {
		panic(call.value)
	}
	return err
}

// Count returns the number counted so far.
func (t *Tally) Count() (uint64, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var count C.uint64_t
	err := t.check(func(id C.uint64_t) C.int { return C.tally_read(id, &count) })
	return uint64(count), err
}

// Close ends the tally, after calls under way. A second Close returns nil.
func (t *Tally) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.id == 0 {
		return nil
	}
	err := t.check(func(id C.uint64_t) C.int { return C.tally_free(id) })
	t.id = 0
	return err
}

// check makes a call and reads its message on the thread that made it. The caller holds mu.
//
//cgolab:thread-local C.tally_message it explains the thread's last call
func (t *Tally) check(call func(C.uint64_t) C.int) error {
	if t.id == 0 {
		return ErrClosed
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status := call(t.id)
	if status == C.TALLY_OK {
		return nil
	}
	message := C.GoString(C.tally_message())
	if status == C.TALLY_FULL {
		return fmt.Errorf("%w: %s", ErrFull, message)
	}
	return fmt.Errorf("tally: %s (status %d)", message, int(status))
}

// An upcall is what a native call calls back, and what became of it.
type upcall struct {
	each     func(uint64)
	panicked bool
	value    any
}

//export tallyEach
func tallyEach(count C.uint64_t, userData unsafe.Pointer) {
	call, ok := cgo.Handle(*(*C.uintptr_t)(userData)).Value().(*upcall)
	if !ok || call.panicked {
		return
	}
	// A panic must not unwind the frames of C.
	defer func() {
		if call.panicked {
			call.value = recover()
		}
	}()
	call.panicked = true
	call.each(uint64(count))
	call.panicked = false
}
