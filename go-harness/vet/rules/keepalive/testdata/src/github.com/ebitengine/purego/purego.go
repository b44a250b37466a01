// Package purego has the shape of the real one.
package purego

func SyscallN(fn uintptr, args ...uintptr) (r1, r2, err uintptr) { return 0, 0, 0 }
