// Package d calls C without cgo.
package d

import (
	"runtime"

	"github.com/ebitengine/purego"
)

var codecNew, codecFree, codecSize uintptr

type Codec struct{ p uintptr }

func New() *Codec {
	p, _, _ := purego.SyscallN(codecNew)
	c := &Codec{p}
	runtime.SetFinalizer(c, func(c *Codec) { purego.SyscallN(codecFree, c.p) })
	return c
}

func (c *Codec) Size() int {
	n, _, _ := purego.SyscallN(codecSize, c.p) // want `c may be finalized, and its native memory freed, while C.SyscallN uses it`
	return int(n)
}

// Good.

func (c *Codec) SizeKept() int {
	defer runtime.KeepAlive(c)
	n, _, _ := purego.SyscallN(codecSize, c.p)
	return int(n)
}
