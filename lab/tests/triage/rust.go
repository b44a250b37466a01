//go:build rust

package triage

/*
#cgo LDFLAGS: -ldl -lm -lpthread
#include <stddef.h>
unsigned char rust_panics(size_t index);
*/
import "C"

func rustPanics() int { return int(C.rust_panics(5)) }
