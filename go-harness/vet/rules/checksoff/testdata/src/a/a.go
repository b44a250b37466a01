package a

import (
	"os"
	"os/exec"
	"unsafe"
)

//go:nocheckptr // want `//go:nocheckptr switches a check off, and nothing beside says why`
func bare(p unsafe.Pointer) byte { return *(*byte)(p) }

// The mapping ends where the page does.
//
//go:nocheckptr
func explained(p unsafe.Pointer) byte { return *(*byte)(p) }

func environment() {
	os.Setenv("GODEBUG", "cgocheck=0") // want `GODEBUG=cgocheck=0 has no effect here`
	os.Setenv("GODEBUG", "gctrace=1")
}

func child(cmd *exec.Cmd) {

	cmd.Env = append(cmd.Env, "GODEBUG=cgocheck=0") // want `cgocheck=0 switches a check off, and nothing beside says why`

	// The child hands C what C cannot keep.
	cmd.Env = append(cmd.Env, "GODEBUG=cgocheck=0")

	cmd.Args = append(cmd.Args, "what cgocheck=0 means")
}
