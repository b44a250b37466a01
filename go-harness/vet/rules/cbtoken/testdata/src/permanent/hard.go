// Package permanent has registries whose keys are not for each caller to delete.
package permanent

/*
#include <stdint.h>
static int watch(uintptr_t token) { return 0; }
*/
import "C"

type owner struct{ closed bool }

var (
	next  uintptr
	bulk  = make(map[uintptr]*owner)
	names = make(map[uintptr]string)
)

// newKey has its keys taken out all at once, by their owner.
func newKey(o *owner) uintptr {
	next++
	bulk[next] = o
	return next
}

func deleteKey(key uintptr) { delete(bulk, key) }

func (o *owner) Close() {
	for key, other := range bulk {
		if other == o {
			delete(bulk, key)
		}
	}
}

func (o *owner) Watch() { C.watch(C.uintptr_t(newKey(o))) }

// name gives a number to each name, for the life of the process.
func name(text string) uintptr {
	next++
	names[next] = text
	return next
}

func Watch(text string) { C.watch(C.uintptr_t(name(text))) }
