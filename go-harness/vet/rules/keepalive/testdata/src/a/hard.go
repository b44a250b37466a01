package a

/*
typedef struct node node;
node *node_new(void);
int node_size(node *n);
void node_free(node *n);
void node_unlock(void);
int node_hook(void *p, int token);
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Node is always in the table of all nodes.
type Node struct{ p *C.node }

var nodes = map[*C.node]*Node{}

func NewNode() *Node {
	n := &Node{C.node_new()}
	nodes[n.p] = n
	runtime.SetFinalizer(n, func(n *Node) { C.node_free(n.p) })
	return n
}

func (n *Node) Size() int { return int(C.node_size(n.p)) }

// Leaf is finalized under a lock that its methods hold.
type Context struct{ sync.Mutex }

type Leaf struct {
	context *Context
	p       *C.node
}

func NewLeaf(c *Context) *Leaf {
	l := &Leaf{c, C.node_new()}
	runtime.SetFinalizer(l, (*Leaf).finalize)
	return l
}

func (l *Leaf) finalize() {
	l.context.Lock()
	defer l.context.Unlock()
	C.node_free(l.p)
}

func (l *Leaf) Size() int {
	l.context.Lock()
	defer l.context.Unlock()
	return int(C.node_size(l.p))
}

// Logged has a finalizer that frees nothing.
type Logged struct{ p *C.node }

var leaks int

func NewLogged() *Logged {
	l := &Logged{C.node_new()}
	runtime.SetFinalizer(l, func(*Logged) { leaks++ })
	return l
}

func (l *Logged) Size() int { return int(C.node_size(l.p)) }

// A private helper whose callers keep the object alive.
func (c *Codec) step() int { return int(C.node_size((*C.node)(nil))) + size(c.p) }

func (c *Codec) Step() int {
	defer runtime.KeepAlive(c)
	return c.step()
}

func (c *Codec) Window() (n int) {
	window(func() { n = size(c.p) })
	runtime.KeepAlive(c)
	return n
}

func window(f func()) { f() }

// On the failing path the object is used, so the compiler keeps it while the call runs.
func (c *Codec) Fails() string {
	if size(c.p) != 0 {
		return c.label
	}
	return ""
}

// Give hands the memory over: the finalizer is gone before the call.
func (c *Codec) Give() {
	runtime.SetFinalizer(c, nil)
	size(c.p)
}

// A helper puts the object where a global variable holds it.
type entry struct {
	codec *Codec
	f     func()
}

var entries = map[int]entry{}

func keep(c *Codec, f func()) int {
	e := entry{codec: c, f: f}
	entries[len(entries)] = e
	return len(entries)
}

func (c *Codec) Hook(f func()) int { return int(C.node_hook(unsafe.Pointer(c.p), C.int(keep(c, f)))) }

var table sync.Map

func keepInTable(c *Codec, f func()) int {
	table.Store(len(entries), entry{codec: c, f: f})
	return len(entries)
}

func (c *Codec) HookInTable(f func()) int {
	return int(C.node_hook(unsafe.Pointer(c.p), C.int(keepInTable(c, f))))
}
