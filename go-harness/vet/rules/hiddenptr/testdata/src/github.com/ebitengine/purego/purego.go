// Package purego stands in for the one of its name.
package purego

func RegisterLibFunc(fptr any, handle uintptr, name string) {}

//go:uintptrescapes
func SyscallN(fn uintptr, args ...uintptr) (r1, r2, err uintptr) { return }
