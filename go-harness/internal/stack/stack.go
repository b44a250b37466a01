// Package stack moves the stack of a goroutine, for tests of pointers into it.
package stack

import "runtime"

// Move calls itself depth times, and collects in the last call. It returns depth. For 1000 it needs a stack of
// about a megabyte, which no goroutine starts with: the runtime copies it, several times, and looks at each
// pointer that it finds there.
//
//go:noinline
func Move(depth int) int {
	var frame [1024]byte
	if depth == 0 {
		runtime.GC()
		return int(frame[0])
	}
	frame[depth%len(frame)] = 1
	return Move(depth-1) + int(frame[depth%len(frame)])
}
