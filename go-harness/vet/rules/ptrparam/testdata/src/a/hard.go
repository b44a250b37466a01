package a

// typedef struct window window;
// extern window *window_new(void);
import "C"

import "unsafe"

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
