package a

// typedef struct window window;
// extern window *window_new(void);
import "C"

import (
	"sync"
	"unsafe"
)

// windows are found by their address, which C gives back.
var windows = make(map[uintptr]func())

func newWindow(f func()) {
	windows[uintptr(unsafe.Pointer(C.window_new()))] = f
}

//export goResized
func goResized(w *C.window) { windows[uintptr(unsafe.Pointer(w))]() }

type view struct{ address uintptr }

var views = make(map[uintptr]*view)

func newView() {
	v := &view{uintptr(unsafe.Pointer(C.window_new()))}
	views[v.address] = v
}

//export goShown
func goShown(w unsafe.Pointer) { _ = views[uintptr(w)] }

// A sync.Map by address.
var known sync.Map

func know() { known.Store(uintptr(unsafe.Pointer(C.window_new())), 1) }

//export goKnown
func goKnown(w unsafe.Pointer) { known.Load(uintptr(w)) }

//export goHandedAddress
func goHandedAddress(w unsafe.Pointer) { show((*C.window)(w)) }

func show(w *C.window) { _ = views[uintptr(unsafe.Pointer(w))] }
