package flow

import "go/types"

// IsInteger reports whether a type is an integer, whatever its name.
func IsInteger(typ types.Type) bool {
	basic, ok := typ.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0
}

// IsUnsafePointer reports whether a type is unsafe.Pointer, whatever its name.
func IsUnsafePointer(typ types.Type) bool {
	basic, ok := typ.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.UnsafePointer
}

// IsPointer reports whether a type is a pointer, or unsafe.Pointer, whatever its name.
func IsPointer(typ types.Type) bool {
	_, ok := typ.Underlying().(*types.Pointer)
	return ok || IsUnsafePointer(typ)
}
