package main

/*
#cgo LDFLAGS: ${SRCDIR}/libextra.a
#include <stdint.h>
#include <stdlib.h>

int extra(void);
int in_c(uint8_t way);
*/
import "C"

var (
	nobody *int
	made   = new(int)
	next   chan int
)

// FuzzEnds ends the process in the way that the first byte names.
//
//export FuzzEnds
func FuzzEnds(data *C.uint8_t, size C.size_t) {
	if size == 0 {
		return
	}
	switch way := *data; way {
	case 'p':
		panic("a panic")
	case 'n':
		*nobody = 1
	case 'g':
		go func() { panic("a panic elsewhere") }()
		<-next
	case 't':
		for {
		}
	case 'u':
		kept := (**int)(C.malloc(8))
		*kept = made
	case 'x':
		if C.extra() != 7 {
			panic("libextra.a is another")
		}
	default:
		C.in_c(C.uint8_t(way))
	}
}
