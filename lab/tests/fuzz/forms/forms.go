// Package forms has fuzz tests in all forms that Go knows.
package forms

// static int twice(int value) { return 2 * value; }
import "C"

// Twice is computed in C.
func Twice(value int32) int32 { return int32(C.twice(C.int(value))) }
