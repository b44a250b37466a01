package courier

import "testing"

// The memory of a queue is used again, and does not keep what was in it.
func TestTHR06AJobThatHasRunIsLetGo(t *testing.T) {
	o := newOwner(t, nil)
	collected := make(chan struct{})
	post(t, o, collected)
	do(t, o, func(*Runtime) {})
	waitCollected(t, collected)
}

//go:noinline
func post(t *testing.T, o *Owner, collected chan struct{}) {
	f := capture(collected, nil)
	ok(t, o.Post(func(*Runtime) { f() }))
}
