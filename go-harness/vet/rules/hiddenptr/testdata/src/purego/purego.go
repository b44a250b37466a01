// Package purego calls C without cgo.
package purego

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

var (
	libRead   func(p uintptr, n int) int
	libReadAt func(p unsafe.Pointer, n int) int
	symbol    uintptr
)

func Open(lib uintptr) {
	purego.RegisterLibFunc(&libRead, lib, "lib_read")
	purego.RegisterLibFunc(&libReadAt, lib, "lib_read_at")
}

func Read(b []byte) int {
	return libRead(uintptr(unsafe.Pointer(&b[0])), len(b)) // want `C.lib_read is given the address of Go memory as an integer`
}

func ReadAt(b []byte) int { return libReadAt(unsafe.Pointer(&b[0]), len(b)) }

// Arguments of SyscallN are kept alive.
func Syscall(b []byte) {
	purego.SyscallN(symbol, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
}
