// Package pinned tells whether memory of Go's is pinned. Go has no function for that; but its check of what
// is passed to C lets a pointer in Go memory through only if the object that it points to is pinned.
package pinned

// static void pinned_take(void **holder) { (void)holder; }
import "C"

import "unsafe"

// Is reports whether the object is pinned. It lies on the heap.
func Is(object unsafe.Pointer) (pinned bool) {
	defer func() {
		if recover() != nil {
			pinned = false
		}
	}()
	holder := &struct{ object unsafe.Pointer }{object}
	C.pinned_take(&holder.object)
	return true
}
