package a

// typedef struct window window;
// static int window_should_close(window *w) { return 0; }
// static void window_set_close_callback(window *w) { }
// static void window_destroy(window *w) { }
// typedef struct ref ref;
// static int ref_delete(ref *r) { return 0; }
// static void ref_free(ref *r) { }
// typedef struct row row;
// static void row_delete(row *r) { }
// typedef struct cell cell;
// static void row_free_cell(row *r, cell *c) { }
// typedef struct { int index; } hook;
// static int hook_destroy(hook *h) { return 0; }
// static hook *hook_new(void) { return 0; }
import "C"

import "unsafe"

// Window asks and installs what has the verb in its name, and frees by one method.
type Window struct{ data *C.window }

func (w *Window) ShouldClose() bool { return C.window_should_close(w.data) != 0 }

func (w *Window) SetCloseCallback() { C.window_set_close_callback(w.data) }

func (w *Window) Destroy() {
	C.window_destroy(w.data) // want `Destroy frees data and leaves it set`
}

// Ref is an object of a store: what deletes it there does not free it, which another function does.
type Ref struct{ p *C.ref }

func (r *Ref) Delete() error {
	C.ref_delete(r.p)
	return nil
}

func (r *Ref) Free() {
	C.ref_free(r.p) // want `Free frees p and leaves it set`
}

// Row has nothing else that frees.
type Row struct{ p *C.row }

func (r *Row) Delete() {
	C.row_delete(r.p) // want `Delete frees p and leaves it set`
}

func (r *Row) Forget(c *C.cell) { C.row_free_cell(r.p, c) }

// Hook is described to C in memory of Go, which C cannot free.
type Hook struct{ described *C.hook }

func NewHook() *Hook {
	var h C.hook
	h.index = 1
	return &Hook{&h}
}

func (h *Hook) Destroy() { C.hook_destroy(h.described) }

// Kept has the same in memory of C.
type Kept struct{ described *C.hook }

func NewKept() *Kept { return &Kept{C.hook_new()} }

func (k *Kept) Destroy() {
	C.hook_destroy(k.described) // want `Destroy frees described and leaves it set`
}

// Swapped is given memory of C behind the back of the field's type.
type Swapped struct{ described *C.hook }

func NewSwapped() *Swapped {
	s := &Swapped{new(C.hook)}
	*(*unsafe.Pointer)(unsafe.Pointer(&s.described)) = unsafe.Pointer(C.hook_new())
	return s
}

func (s *Swapped) Destroy() {
	C.hook_destroy(s.described) // want `Destroy frees described and leaves it set`
}
