//go:build unix

package guard_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/guard"
)

func TestContentIsLentAsItIs(t *testing.T) {
	page := os.Getpagesize()
	for _, size := range []int{0, 1, 7, page - 1, page, page + 1, 3 * page} {
		want := strings.Repeat("x", size)
		memory := guard.Bytes(t, []byte(want))
		if string(memory.Bytes()) != want || memory.Bytes() == nil {
			t.Errorf("%d bytes became %q", size, memory.Bytes())
		}
		if text := guard.String(t, want); text.String() != want {
			t.Errorf("a text of %d bytes became %q", size, text.String())
		}
		memory.Protect() // there is a page, even for no bytes
	}
}

// faults reports whether f touches memory that it may not.
func faults(f func()) (faulted bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { faulted = recover() != nil }()
	f()
	return false
}

var sink byte

// after is the address behind a slice.
func after(slice []byte) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(&slice[0]), len(slice))) }

func TestMemoryIsTakenBack(t *testing.T) {
	memory := guard.Bytes(t, []byte("content"))
	borrowed := memory.Bytes()
	read, write := func() { sink = borrowed[0] }, func() { borrowed[0] = 'C' }
	if faults(read) || faults(write) {
		t.Error("a fault during the loan")
	}
	memory.ReadOnly()
	if faults(read) || !faults(write) {
		t.Error("read-only memory must be readable and nothing else")
	}
	memory.Protect()
	if !faults(read) || !faults(write) {
		t.Error("no fault after the loan")
	}
}

func TestReadingTooFarFaults(t *testing.T) {
	for _, size := range []int{1, os.Getpagesize()} {
		borrowed := guard.Bytes(t, make([]byte, size)).Bytes()
		if !faults(func() { sink = *after(borrowed) }) {
			t.Errorf("no fault behind %d bytes", size)
		}
	}
}

// recorder is a test that notes what guard wants of it.
type recorder struct {
	testing.TB
	cleanup func()
	said    string
}

func (r *recorder) Cleanup(f func())                  { r.cleanup = f }
func (r *recorder) Errorf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

func TestMemoryThatCannotBeGivenBackFailsTheTest(t *testing.T) {
	r := &recorder{TB: t}
	guard.Bytes(r, []byte("content"))
	for _, want := range []string{"", "guard: munmap: invalid argument"} {
		if r.cleanup(); r.said != want {
			t.Errorf("it said %q, want %q", r.said, want)
		}
	}
}
