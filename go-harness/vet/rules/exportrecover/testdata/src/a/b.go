package a

// #include <stdint.h>
import "C"
import "runtime/cgo"

func elsewhere(token C.uintptr_t) {
	cgo.Handle(token).Value().(func())()
}
