package summary

import (
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// NewToken reports whether a call makes an integer or an address that stands for a Go value, to be given to C.
func NewToken(call *ssa.CallCommon) bool {
	return isFunc(call, "runtime/cgo", "NewHandle") || isFunc(call, "github.com/mattn/go-pointer", "Save")
}

// Deletes reports whether a call ends the life of a token.
func Deletes(call *ssa.CallCommon) bool {
	return isFunc(call, "runtime/cgo", "Delete") || isFunc(call, "github.com/mattn/go-pointer", "Unref")
}

func isFunc(call *ssa.CallCommon, path, name string) bool {
	fn := call.StaticCallee()
	return fn != nil && fn.Pkg != nil && fn.Pkg.Pkg.Path() == path && fn.Name() == name
}

// HoldsHandle reports whether a call that allocates is given a handle to put there.
func HoldsHandle(call *ssa.Call) bool {
	for _, arg := range call.Call.Args {
		if named, ok := types.Unalias(arg.Type()).(*types.Named); ok {
			if object := named.Obj(); object.Pkg() != nil && object.Pkg().Path() == "runtime/cgo" && object.Name() == "Handle" {
				return true
			}
		}
	}
	return false
}
