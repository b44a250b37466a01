//go:build unix

package courier

import (
	"os"
	"syscall"
	"testing"
)

// Memory that is not Go's needs no pin. Go 1.21 refuses to pin it, later releases do nothing.
func TestVAL03MemoryThatIsNotGosIsAttachedToo(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	memory, err := syscall.Mmap(-1, 0, os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { ok(t, syscall.Munmap(memory)) }()
	for i := 0; i < 2; i++ {
		ok(t, session.Attach(memory))
		loadBytes(t, rt, session, landed)
		wantSnapshot(t, session, landed)
		ok(t, session.Detach())
		if got := string(memory[:len(landed)]); got != landed {
			t.Errorf("%q landed", got)
		}
	}
}
