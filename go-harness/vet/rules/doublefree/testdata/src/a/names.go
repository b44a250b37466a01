package a

// typedef struct window window;
// static int window_should_close(window *w) { return 0; }
// static void window_set_close_callback(window *w) { }
// static void window_destroy(window *w) { }
import "C"

// Window asks and installs what has the verb in its name, and frees by one method.
type Window struct{ data *C.window }

func (w *Window) ShouldClose() bool { return C.window_should_close(w.data) != 0 }

func (w *Window) SetCloseCallback() { C.window_set_close_callback(w.data) }

func (w *Window) Destroy() {
	C.window_destroy(w.data) // want `Destroy frees data and leaves it set`
}
