package a

/*
typedef struct tree tree;
typedef struct node node;
typedef struct walk walk;
tree *tree_parse(void);
void tree_delete(tree *t);
node *tree_root(tree *t);
walk *tree_walk(tree *t);
void walk_delete(walk *w);
*/
import "C"

import "runtime"

// Kept has its parent.
type Kept struct {
	p    *C.node
	tree *Tree
}

func (t *Tree) Kept() *Kept { return &Kept{C.tree_root(t.p), t} }

// Held has something that may lead to its parent.
type Held struct {
	p    *C.node
	keep any
}

func newHeld(p *C.node) *Held { return &Held{p: p} }

func (t *Tree) Held() *Held {
	h := newHeld(C.tree_root(t.p))
	h.keep = t
	return h
}

// Adopted is told of its parent by its caller.
func (t *Tree) adopted() *Held { return newHeld(C.tree_root(t.p)) }

func (t *Tree) Adopted() *Held {
	h := t.adopted()
	h.keep = t
	return h
}

// Owned frees what it holds: that may be its own.
type Owned struct{ p *C.walk }

func (t *Tree) Owned() *Owned {
	o := &Owned{C.tree_walk(t.p)}
	runtime.KeepAlive(t)
	return o
}

func (o *Owned) Close() { C.walk_delete(o.p) }

// Plain trees have no finalizer: whoever deletes one by hand knows.
type Plain struct{ p *C.tree }

func (t *Plain) Root() *Node { return &Node{C.tree_root(t.p)} }

func (t *Plain) Close() { C.tree_delete(t.p) }

// local does not leave its function.
func (t *Tree) local() bool {
	n := &Node{C.tree_root(t.p)}
	runtime.KeepAlive(t)
	return n.p != nil
}

// link is given both, and may let one hold the other.
func link(n *Node, t *Tree) {}

func (t *Tree) Linked() *Node {
	n := &Node{C.tree_root(t.p)}
	link(n, t)
	return n
}

// ordered: the argument of the cleanup keeps the parent.
type ordered struct {
	p        *C.walk
	document *Document
}

func (d *Document) ordered() *ordered {
	o := &ordered{p: C.tree_walk(d.p), document: d}
	type both struct {
		p        *C.walk
		document *Document
	}
	runtime.AddCleanup(o, func(b both) { C.walk_delete(b.p); runtime.KeepAlive(b.document) }, both{o.p, d})
	return o
}

// Loose is not made of the document: the order does not matter.
type Loose struct {
	p        *C.tree
	document *Document
}

func (d *Document) Loose() *Loose {
	l := &Loose{C.tree_parse(), d}
	runtime.AddCleanup(l, func(p *C.tree) { C.tree_delete(p) }, l.p)
	return l
}
