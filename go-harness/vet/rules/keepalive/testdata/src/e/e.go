// Package e keeps each object for ever, in the registry of values for C: its finalizer never runs.
package e

/*
typedef struct box box;
box *box_new(void);
void box_free(box *);
void box_set(box *, void *);
int box_use(box *);
*/
import "C"

import (
	"runtime"

	"github.com/mattn/go-pointer"
)

type Box struct{ p *C.box }

func New() *Box {
	b := &Box{C.box_new()}
	C.box_set(b.p, pointer.Save(b))
	runtime.SetFinalizer(b, func(b *Box) { C.box_free(b.p) })
	return b
}

func (b *Box) Use() int { return int(C.box_use(b.p)) }
