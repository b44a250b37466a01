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

// documented adds what p points to.
//
//go:nocheckptr // want `//go:nocheckptr switches a check off, and nothing beside says why`
func documented(p unsafe.Pointer) byte { return *(*byte)(p) }

// counted counts.
//
//go:norace // want `//go:norace switches a check off, and nothing beside says why`
func counted(p unsafe.Pointer) byte { return *(*byte)(p) }

// unchecked adds what p points to, which checkptr takes for an overflow.
//
//go:nocheckptr
func unchecked(p unsafe.Pointer) byte { return *(*byte)(p) }

// justified adds what p points to.
//
// The mapping ends where the page does.
//
//go:nocheckptr
func justified(p unsafe.Pointer) byte { return *(*byte)(p) }

func slow() *exec.Cmd {
	return exec.Command("go", "test", "-race=false") // want `-race=false switches a check off, and nothing beside says why`
}

func slowWithReason() *exec.Cmd {
	// The race detector needs more memory than the machine has.
	return exec.Command("go", "test", "-race=false")
}
