package a

/*
typedef struct table { int n; } table;
table *table_new(void);
void table_free(table *t);
int table_len(table *t);
typedef struct context context;
typedef struct page page;
typedef struct { int n; } buffer;
buffer *lib_new_buffer(context *c);
void lib_drop_buffer(context *c, buffer *b);
page *lib_load_page(context *c);
void lib_drop_page(context *c, page *p);
void lib_drop_context(context *c);
int lib_count(context *c);
*/
import "C"

import "sync"

type Table struct {
	mu sync.Mutex
	p  *C.table
}

func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	C.table_free(t.p)
	t.p = nil
}

func (t *Table) Locked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int(C.table_len(t.p))
}

func (t *Table) Len() int {
	return int(C.table_len(t.p)) // want `C.table_len is given p without the lock that Close holds while it frees it, in line 30`
}

func (t *Table) Late() int {
	t.mu.Lock()
	p := t.p != nil
	t.mu.Unlock()
	if !p {
		return 0
	}
	return int(C.table_len(t.p)) // want `C.table_len is given p without the lock`
}

// Its callers hold the lock.
func (t *Table) size() int { return int(C.table_len(t.p)) }

func (t *Table) lock() { t.mu.Lock() }

// The lock is taken by a helper.
func (t *Table) Helped() int {
	t.lock()
	defer t.mu.Unlock()
	return int(C.table_len(t.p))
}

// Own has a mutex for something else: no use of p is under it.
type Own struct {
	mu sync.Mutex
	p  *C.table
}

func (o *Own) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	C.table_free(o.p)
	o.p = nil
}

func (o *Own) Len() int { return int(C.table_len(o.p)) }

// Document frees pages under its lock, and its context without one.
type Document struct {
	mu  sync.Mutex
	ctx *C.context
}

func (d *Document) Bound() {
	d.mu.Lock()
	defer d.mu.Unlock()
	C.lib_drop_page(d.ctx, C.lib_load_page(d.ctx))
	C.lib_drop_buffer(d.ctx, C.lib_new_buffer(d.ctx))
}

func (d *Document) Close() {
	C.lib_drop_context(d.ctx)
	d.ctx = nil
}

func (d *Document) Count() int { return int(C.lib_count(d.ctx)) }
