package a

/*
typedef struct db db;
db *db_open(void);
int db_size(db *d);
int db_close(db *d);
typedef struct { void (*on_free)(void); } callbacks;
void lib_free(void *memory, const callbacks *c);
*/
import "C"

import (
	"errors"
	"unsafe"
)

type DB struct{ p *C.db }

func (d *DB) Free() { // want `Free frees a DB, which has no Close\(\) error`
	C.db_close(d.p)
	d.p = nil
}

type Silent struct{ p *C.db }

func (s *Silent) Close() { // want `Close of Silent is not Close\(\) error`
	C.db_close(s.p)
	s.p = nil
}

type Counting struct{ p *C.db }

func (c *Counting) Close() int { return int(C.db_close(c.p)) } // want `Close of Counting is not Close\(\) error`

var errClose = errors.New("close")

// Block is freed by what could be told whom to call.
type Block struct{ p *C.db }

func (b *Block) Free() { // want `Free frees a Block, which has no Close\(\) error`
	C.lib_free(unsafe.Pointer(b.p), nil)
	b.p = nil
}
