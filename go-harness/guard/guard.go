//go:build unix

// Package guard lends memory that can be taken back. A function that borrows an argument for the time of a
// call must not touch it afterwards, and no tool sees it when it does: the object is still alive, so neither
// the race detector nor AddressSanitizer has anything to say. Memory of this package can be made
// inaccessible when the call has returned. Whoever touches it then ends the process with SIGSEGV, at the
// very instruction.
//
//	input := guard.Bytes(t, []byte("content"))
//	err := native.Write(input.Bytes()) // C borrows it for the call
//	input.Protect()
//	native.Flush() // crashes here if C has kept the pointer
//
// The memory ends where a page ends, and the page behind it is inaccessible from the start: reading too far
// is seen, too. There is no cgo in here. The memory is not Go's, so it may be handed to C like C's own.
package guard

import (
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// Memory is a copy of bytes in pages of its own.
type Memory struct {
	t       testing.TB
	pages   []byte // without the page behind
	content []byte // at their end
}

// Bytes copies content into memory that is given back when the test ends.
func Bytes(t testing.TB, content []byte) *Memory {
	t.Helper()
	return lend(t, len(content), func(memory []byte) { copy(memory, content) })
}

// String is Bytes for text.
func String(t testing.TB, content string) *Memory {
	t.Helper()
	return lend(t, len(content), func(memory []byte) { copy(memory, content) })
}

func lend(t testing.TB, length int, fill func([]byte)) *Memory {
	t.Helper()
	page := os.Getpagesize()
	size := (length/page + 1) * page // one page at least: an empty slice has an address, too
	mapped, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("guard: mmap of %d bytes: %v", size+page, err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(mapped); err != nil {
			t.Errorf("guard: munmap: %v", err)
		}
	})
	if err := syscall.Mprotect(mapped[size:], syscall.PROT_NONE); err != nil {
		t.Fatalf("guard: mprotect: %v", err)
	}
	m := &Memory{t, mapped[:size], mapped[size-length : size]}
	fill(m.content)
	return m
}

// Bytes returns the memory. It must not be used after Protect.
func (m *Memory) Bytes() []byte { return m.content }

// String returns the memory as a string, which must not be used after Protect either, nor a part of it.
func (m *Memory) String() string { return unsafe.String(unsafe.SliceData(m.content), len(m.content)) }

// ReadOnly lets nobody write to the memory.
func (m *Memory) ReadOnly() {
	m.t.Helper()
	m.protect(syscall.PROT_READ)
}

// Protect ends the loan: nobody can read or write the memory any more.
func (m *Memory) Protect() {
	m.t.Helper()
	m.protect(syscall.PROT_NONE)
}

func (m *Memory) protect(access int) {
	m.t.Helper()
	if err := syscall.Mprotect(m.pages, access); err != nil {
		m.t.Fatalf("guard: mprotect: %v", err)
	}
}
