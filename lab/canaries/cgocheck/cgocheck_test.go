//go:build canary && unix

package cgocheck

import (
	"syscall"
	"testing"
	"unsafe"
)

// stored is a heap object: a pointer to one that the compiler has put into the binary would be fine.
var stored *int

// A page from mmap is as foreign to Go as one from malloc, and takes no import "C".
func TestCanaryCgocheck(t *testing.T) {
	page, err := syscall.Mmap(-1, 0, syscall.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	stored = new(int)
	*(**int)(unsafe.Pointer(&page[0])) = stored
	if err := syscall.Munmap(page); err != nil {
		t.Error(err)
	}
}
