package a

/*
typedef struct tree tree;
typedef struct node node;
typedef struct walk walk;
static tree *tree_parse(void) { return 0; }
static void tree_delete(tree *t) { }
static node *tree_root(tree *t) { return 0; }
static int tree_find(tree *t, node **out) { return 0; }
static walk *tree_walk(tree *t) { return 0; }
static void walk_delete(walk *w) { }
static const char *tree_name(tree *t) { return ""; }
*/
import "C"

import "runtime"

type Tree struct{ p *C.tree }

func Parse() *Tree {
	t := &Tree{C.tree_parse()}
	runtime.SetFinalizer(t, func(t *Tree) { C.tree_delete(t.p) })
	return t
}

type Node struct{ p *C.node }

func (t *Tree) Root() *Node {
	n := &Node{C.tree_root(t.p)} // want `Node holds what C.tree_root took out of t, which frees it when it is collected, and has no reference to it`
	runtime.KeepAlive(t)
	return n
}

func (t *Tree) RootValue() Node {
	n := Node{p: C.tree_root(t.p)} // want `Node holds what C.tree_root took out of t`
	runtime.KeepAlive(t)
	return n
}

func (t *Tree) Find() (*Node, bool) {
	var p *C.node
	found := C.tree_find(t.p, &p) != 0 // want `Node holds what C.tree_find took out of t`
	runtime.KeepAlive(t)
	return &Node{p}, found
}

func newNode(p *C.node) *Node {
	if p == nil {
		return nil
	}
	return &Node{p}
}

func (t *Tree) RootByHelper() *Node {
	defer runtime.KeepAlive(t)
	return newNode(C.tree_root(t.p)) // want `Node holds what C.tree_root took out of t`
}

// Cleanups, in no order.

type Document struct{ p *C.tree }

// Default is one of many.
var Default = NewDocument()

func NewDocument() *Document {
	d := &Document{C.tree_parse()}
	runtime.AddCleanup(d, func(p *C.tree) { C.tree_delete(p) }, d.p)
	return d
}

type Walk struct {
	p        *C.walk
	document *Document
}

func (d *Document) Walk() *Walk {
	w := &Walk{p: C.tree_walk(d.p), document: d}
	runtime.AddCleanup(w, func(p *C.walk) { C.walk_delete(p) }, w.p) // want `the cleanups of Walk and of the Document that it was made of run in no order: the Document may be freed first`
	return w
}

// Cursor is made by a function that is given the pointer.
type Cursor struct {
	document *Document
	p        *C.walk
}

func (d *Document) cursor(p *C.walk) *Cursor {
	c := &Cursor{document: d, p: p}
	runtime.AddCleanup(c, func(p *C.walk) { C.walk_delete(p) }, p) // want `the cleanups of Cursor and of the Document that it was made of run in no order`
	return c
}

func (d *Document) Cursor() *Cursor { return d.cursor(C.tree_walk(d.p)) }

func (t *Tree) RootOrNil() *Node {
	defer runtime.KeepAlive(t)
	p := C.tree_root(t.p) // want `Node holds what C.tree_root took out of t`
	if p == nil {
		return nil
	}
	return &Node{p}
}
