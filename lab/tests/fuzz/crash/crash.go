// Package crash dies in every way that a fuzz test can; see Run.
package crash

// #include <stdlib.h>
// #include "crash.h"
import "C"

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"unsafe"
)

//export goPanicsForC
func goPanicsForC() { panic("in a callback from C") }

var (
	nowhere *int
	kept    [][]byte
)

// elsewhere runs a function on another goroutine, and does not come back.
func elsewhere(run func()) {
	go run()
	select {}
}

func recurses(n int) int {
	var frame [256]byte
	frame[n%256] = 1
	return recurses(n+1) + int(frame[n%255])
}

func eats() {
	for {
		memory := make([]byte, 16<<20)
		for i := 0; i < len(memory); i += 4096 {
			memory[i] = 1
		}
		kept = append(kept, memory)
	}
}

// Run dies in the way that the kind names. What a test does with its own T is in the test.
func Run(kind string) {
	switch kind {
	case "panic":
		panic("in Go")
	case "panic elsewhere":
		elsewhere(func() { panic("on another goroutine") })
	case "nil":
		*nowhere = 1
	case "panic in callback":
		C.c_calls_back()
	case "stack":
		debug.SetMaxStack(32 << 20)
		recurses(0)
	case "unlock":
		new(sync.Mutex).Unlock()
	case "segv":
		C.c_segv()
	case "segv elsewhere":
		elsewhere(func() { C.c_segv() })
	case "segv on thread":
		C.c_segv_on_a_thread()
	case "division":
		C.c_divide(0)
	case "abort":
		C.c_abort()
	case "exit":
		C.c_exit()
	case "os.Exit":
		os.Exit(3)
	case "os.Exit(0)":
		os.Exit(0)
	case "hang":
		select {}
	case "loop":
		C.c_loop()
	case "memory":
		eats()
	case "freed":
		C.c_use_after_free()
	case "over-read":
		slice := make([]byte, 24)
		C.c_read((*C.uchar)(&slice[0]), C.size_t(len(slice)))
	case "handlers":
		var anyStack, own C.int
		C.c_count_handlers(&anyStack, &own)
		os.WriteFile("handlers.txt", []byte(fmt.Sprint(anyStack, " on any stack, others: ", own > 5)), 0o600)
	case "leak":
		C.c_leak()
	case "unpinned":
		slot := (**int)(C.malloc(C.size_t(unsafe.Sizeof(uintptr(0)))))
		*slot = new(int)
	}
}
