package courier

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
	"github.com/cgolab/cgolab/go-harness/internal/pinned"
	"github.com/cgolab/cgolab/go-harness/internal/stack"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

const landed = "what C has written here"

// attachForgotten attaches a buffer that nothing in Go refers to afterwards. Its collection closes
// collected.
//
//go:noinline
func attachForgotten(session *Session, collected chan struct{}) error {
	buffer := new([64]byte)
	runtime.SetFinalizer(buffer, func(*[64]byte) { close(collected) })
	return session.Attach(buffer[:])
}

// loadBytes ends a load with these bytes.
func loadBytes(t *testing.T, rt *Runtime, session *Session, body string) {
	t.Helper()
	ok(t, rt.SetProvider(answerWith(body)))
	want(t, loadOne(t, rt, session, "app:a"), body)
}

func wantSnapshot(t *testing.T, session *Session, body string) {
	t.Helper()
	blob, err := session.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	if got, err := blob.Bytes(); string(got) != body || err != nil {
		t.Errorf("snapshot %q, %v; want %q", got, err, body)
	}
}

// stillReachable collects garbage, and gives the place of freed objects of that size to others: noise
// that C must not write to.
func stillReachable(t *testing.T, collected <-chan struct{}) (noise []*[64]byte) {
	t.Helper()
	for i := 0; i < 3; i++ {
		collect(1)
		for j := 0; j < 1000; j++ {
			noise = append(noise, new([64]byte))
		}
	}
	select {
	case <-collected:
		t.Error("collected while C may write to it")
	default:
	}
	return noise
}

func TestVAL03AnAttachedBufferStaysUntilCHasLetGo(t *testing.T) {
	for name, letGo := range map[string]func(*Session) error{"Detach": (*Session).Detach, "Close": (*Session).Close} {
		rt := newRuntime(t, Stepped())
		session := newSession(t, rt)
		collected := make(chan struct{})
		ok(t, attachForgotten(session, collected))
		noise := stillReachable(t, collected)
		loadBytes(t, rt, session, landed)
		wantSnapshot(t, session, landed)
		for _, object := range noise {
			if *object != [64]byte{} {
				t.Fatalf("C has written to %q", object)
			}
		}
		elsewhere(func() { wantError(t, letGo(session), ErrWrongThread, "[wrong-thread] ") })
		stillReachable(t, collected)
		ok(t, letGo(session))
		waitCollected(t, collected)
		t.Log(name)
		ok(t, session.Close())
		ok(t, rt.Close())
	}
}

// The same with every freed object overwritten by the collector, so that C reads what it has not written.
func TestVAL03WithFreedMemoryClobbered(t *testing.T) {
	watchdog.Guard(t)
	child := exec.Command(os.Args[0], "-test.run=^TestVAL03A")
	child.Env = append(os.Environ(), "GODEBUG=clobberfree=1")
	if output, err := child.CombinedOutput(); err != nil || !strings.Contains(string(output), "PASS") {
		t.Errorf("child ended with %v:\n%s", err, output)
	}
}

func TestVAL03ARefusedBufferIsLetGoAtOnce(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	ok(t, session.Attach(make([]byte, 64)))
	second, elsewherely := make(chan struct{}), make(chan struct{})
	wantError(t, attachForgotten(session, second), ErrInvalidState, "[buffer-attached] ")
	waitCollected(t, second)
	elsewhere(func() { wantError(t, attachForgotten(session, elsewherely), ErrWrongThread, "[wrong-thread] ") })
	waitCollected(t, elsewherely)
	loadBytes(t, rt, session, landed)
	wantSnapshot(t, session, landed)
}

// A leaked session is not destroyed, so its buffer must stay, too.
func TestVAL03ALeakedSessionKeepsItsBuffer(t *testing.T) {
	ownThread(t)
	leaks := catchLeaks(t)
	collected := make(chan struct{})
	ownerElsewhere(t, func(_ *Runtime, session *Session) { ok(t, attachForgotten(session, collected)) })
	collect(3)
	leaks.want(t, map[string]int{"runtime": 1, "session": 1})
	stillReachable(t, collected)
}

// The pin is there when C stores the address, and goes when C has let go.
func TestVAL03TheBufferIsPinnedWhenItsAddressGoesToC(t *testing.T) {
	for name, letGo := range map[string]func(*Session) error{"Detach": (*Session).Detach, "Close": (*Session).Close} {
		t.Run(name, func(t *testing.T) {
			rt := newRuntime(t, Stepped())
			session := newSession(t, rt)
			buffer, refused := make([]byte, 64), make([]byte, 64)
			wantPinned := func(memory []byte, want bool, when string) {
				t.Helper()
				if pinned.Is(unsafe.Pointer(unsafe.SliceData(memory))) != want {
					t.Errorf("%s: pinned is %v", when, !want)
				}
			}
			attaching := buffer
			capi.Observe(func(point string) {
				switch point {
				case "courier_session_attach_buffer":
					wantPinned(attaching, true, "C is about to store the address")
				case "courier_session_detach_buffer", "courier_session_destroy":
					wantPinned(buffer, true, "C has not let go")
				}
			})
			defer capi.Observe(nil)
			ok(t, session.Attach(buffer))
			wantPinned(buffer, true, "C has it")
			attaching = refused
			wantError(t, session.Attach(refused), ErrInvalidState, "[buffer-attached] ")
			wantPinned(refused, false, "C has refused it")
			elsewhere(func() { wantError(t, letGo(session), ErrWrongThread, "[wrong-thread] ") })
			wantPinned(buffer, true, "C has not let go")
			ok(t, letGo(session))
			wantPinned(buffer, false, "C has let go")
		})
	}
}

func TestVAL03TheBufferIsTheCallersAgainAfterDetach(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	memory := bytes.Repeat([]byte("."), 40)
	ok(t, session.Attach(memory[3:3+len(landed)])) // from the middle
	wantSnapshot(t, session, "")
	loadBytes(t, rt, session, landed+", and more")
	wantSnapshot(t, session, landed)
	loadBytes(t, rt, session, "short")
	wantSnapshot(t, session, "short")
	ok(t, session.Detach())
	if got := "..." + "short" + landed[5:] + strings.Repeat(".", 40-3-len(landed)); string(memory) != got {
		t.Errorf("memory %q, want %q", memory, got)
	}
	before := string(memory)
	loadBytes(t, rt, session, "late")
	if string(memory) != before {
		t.Errorf("written to after Detach: %q", memory)
	}
	wantError(t, session.Detach(), ErrInvalidState, "[no-buffer] ")
	_, err := session.Snapshot()
	wantError(t, err, ErrInvalidState, "[no-buffer] ")
}

var static [64]byte // no heap memory: there is nothing to pin

func TestVAL03AnyMemoryCanBeAttached(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	var local [64]byte
	full := make([]byte, 8)
	for name, memory := range map[string][]byte{
		"nil": nil, "empty": {}, "the empty end of one": full[8:], "static": static[:], "local": local[:], "one byte": make([]byte, 1),
	} {
		ok(t, session.Attach(memory))
		loadBytes(t, rt, session, landed)
		n := len(landed)
		if len(memory) < n {
			n = len(memory)
		}
		wantSnapshot(t, session, landed[:n])
		ok(t, session.Detach())
		if string(memory[:n]) != landed[:n] {
			t.Errorf("%s: %q", name, memory)
		}
	}
	count := 0
	attached.Range(func(any, any) bool { count++; return true })
	ok(t, session.Attach(full))
	ok(t, session.Close())
	after := 0
	attached.Range(func(any, any) bool { after++; return true })
	if after != count {
		t.Errorf("%d buffers are held, %d before", after, count)
	}
}

// A payload that cannot be copied is released all the same, and once.
func TestVAL06APayloadIsReleasedAlsoWhenItCannotBeCopied(t *testing.T) {
	watchdog.Guard(t)
	calls := countCalls(t)
	load := &oneLoad{done: make(chan struct{})}
	load.finish(Event{Kind: Completed, Payload: newBlob(math.MaxUint64)}) // no blob's id
	<-load.done
	wantError(t, load.err, ErrInvalidArgument, "[malformed] ")
	if n := calls.of("courier_blob_release"); n != 1 {
		t.Errorf("released %d times", n)
	}
}

func TestVAL06APayloadIsReleasedOnceOnSuccess(t *testing.T) {
	l := newLoader(t, nil)
	o := l.Owner()
	calls := countCalls(t)
	loading := startLoad(l, "data:,a")
	loading.want(t, "a", nil)
	do(t, o, func(*Runtime) {})
	if n := calls.of("courier_blob_release"); n != 1 {
		t.Errorf("released %d times", n)
	}
}

// A surface is a number that comes back as it was, whatever it would be as an address.
func TestVAL12ANativePointerIsANumber(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	surface := func() NativePointer {
		t.Helper()
		request, _ := pendingRequest(t, rt, session)
		defer request.Close()
		surface, err := request.Surface()
		ok(t, err)
		ok(t, request.Complete(nil))
		settle(t, rt)
		return surface
	}
	if got := surface(); got != 0 {
		t.Errorf("without one: %#x", got)
	}
	for _, want := range []NativePointer{1, 0xdead_beef, ^NativePointer(0), 0} {
		ok(t, session.SetSurface(want))
		runtime.GC()
		if stack.Move(100); surface() != want {
			t.Errorf("%#x came back otherwise", want)
		}
	}
	// It is the load's, from its start.
	ok(t, session.SetSurface(5))
	request, _ := pendingRequest(t, rt, session)
	ok(t, session.SetSurface(6))
	if got, err := request.Surface(); got != 5 || err != nil {
		t.Errorf("surface %v, %v", got, err)
	}
	ok(t, request.Close())
}
