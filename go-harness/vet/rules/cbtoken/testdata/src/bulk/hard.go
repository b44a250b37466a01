// Package bulk has a registry whose keys are taken out all at once, by their owner.
package bulk

/*
#include <stdint.h>
static int watch(uintptr_t token) { return 0; }
*/
import "C"

type owner struct {
	closed bool
	extra  uintptr
}

var (
	next   uintptr
	owners = make(map[uintptr]*owner)
)

func newKey(o *owner) uintptr {
	next++
	owners[next] = o
	return next
}

func (o *owner) Close() {
	delete(owners, o.extra)
	for key, other := range owners {
		if other == o {
			delete(owners, key)
		}
	}
}

func (o *owner) Watch() { C.watch(C.uintptr_t(newKey(o))) }
