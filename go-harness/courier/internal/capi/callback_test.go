package capi

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/child"
	"github.com/cgolab/cgolab/go-harness/courier/internal/token"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// catchPanics collects what the trampoline reports.
func catchPanics(t *testing.T) *[]Panic {
	watchdog.Guard(t)
	panics := new([]Panic)
	SetPanicHandler(func(p Panic) { *panics = append(*panics, p) })
	t.Cleanup(func() { SetPanicHandler(nil) })
	return panics
}

func TestCBK10UnknownTokenIsReportedAndNothingElse(t *testing.T) {
	panics := catchPanics(t)
	cell := NewCell(Notify(func() { t.Error("the callback of a freed cell was called") }))
	freed := cell.token
	cell.Free()
	other := NewCell(Log(func(int32, string) { t.Error("a callback of another kind was called") }))
	defer other.Free()
	for i, unknown := range []token.Token{freed, 0, ^token.Token(0), other.token} {
		upcall("wake callback", func() { callback[Notify](unknown)() })
		if len(*panics) != i+1 {
			t.Fatalf("token %#x: %d reports", unknown, len(*panics)-i)
		}
		if err, ok := (*panics)[i].Value.(error); !ok || !strings.Contains(err.Error(), "unknown callback token") {
			t.Errorf("token %#x: reported %v", unknown, (*panics)[i].Value)
		}
	}
}

func TestCBK08ASecondFreePanicsAndFreesNothing(t *testing.T) {
	cell := NewCell(Notify(func() {}))
	cell.Free()
	defer func() {
		if value := recover(); value == nil {
			t.Error("a second Free was taken")
		}
	}()
	cell.Free()
}

// The trampoline's inner half, without C frames below it: a panic that comes through fails the test by
// name, instead of ending the process.
func TestCBK03PanicsAreContained(t *testing.T) {
	defer func() {
		if value := recover(); value != nil {
			t.Errorf("panic(%v) came through", value)
		}
	}()
	panics := catchPanics(t)
	contain("provider", func() { panic("value") })
	if len(*panics) != 1 || (*panics)[0].Value != "value" {
		t.Errorf("reported %v", *panics)
	}
}

func TestCBK03APanicThatItsHandlerDoesNotTakeIsPrinted(t *testing.T) {
	handlers := map[string]func(Panic){
		"takes":  func(Panic) {},
		"panics": func(Panic) { panic("of its own") },
		"exits":  func(Panic) { runtime.Goexit() },
	}
	if handler, ok := handlers[child.Variant()]; ok {
		SetPanicHandler(handler)
		done := make(chan struct{})
		go func() {
			defer close(done)
			Report("provider", "on purpose", nil)
		}()
		<-done
		return
	}
	const lost, own = "courier: panic in the provider: on purpose\n", "courier: panic in the panic handler: of its own\n"
	const exit = "courier: the panic handler called runtime.Goexit"
	for variant, want := range map[string][]string{"takes": nil, "panics": {lost, own}, "exits": {lost, exit}} {
		ended := child.Run(t, variant)
		ended.WantCode(t, 0)
		for _, line := range []string{lost, own, exit} {
			if printed := strings.Contains(ended.Output, line); printed != slices.Contains(want, line) {
				t.Errorf("a handler that %s: %q printed: %v", variant, line, printed)
			}
		}
	}
}

func TestCBK03PanicOfThePanicHandlerIsContained(t *testing.T) {
	watchdog.Guard(t)
	defer func() {
		if value := recover(); value != nil {
			t.Errorf("panic(%v) came through", value)
		}
	}()
	SetPanicHandler(func(Panic) { panic("from the handler") })
	defer SetPanicHandler(nil)
	contain("provider", func() { panic("from the provider") })
}

// The user_data that C keeps is no address of Go memory: such a word could be freed, or moved with its
// stack, under C. Go's heap lies in arenas of 64 MiB; a word of C's lies in none that holds a Go object.
func TestCBK12UserDataIsNoGoAddress(t *testing.T) {
	arena := func(address unsafe.Pointer) uintptr { return uintptr(address) >> 26 }
	arenas := map[uintptr]bool{}
	var objects []*uintptr
	for i := 0; i < 10_000; i++ {
		objects = append(objects, new(uintptr))
		arenas[arena(unsafe.Pointer(objects[i]))] = true
	}
	if onHeap := new(uintptr); !arenas[arena(unsafe.Pointer(onHeap))] {
		t.Skip("Go's arenas are not as this test thinks")
	}
	runtime.KeepAlive(objects)
	for i := 0; i < 100; i++ {
		cell := NewCell(Notify(func() {}))
		if arenas[arena(unsafe.Pointer(cell.word))] {
			t.Fatalf("the word at %p is in Go memory", cell.word) // and C cannot free it
		}
		if token.Token(*cell.word) != cell.token {
			t.Error("the word does not hold the token")
		}
		cell.Free()
	}
}

// A cell that is freed twice is a bug that must not pass: the token's second deletion panics.
func TestCBK08ASecondFreeIsNamed(t *testing.T) {
	cell := NewCell(Notify(func() {}))
	cell.Free()
	defer func() {
		if recover() == nil {
			t.Error("freed twice, and nobody has seen it")
		}
	}()
	cell.Free()
}
