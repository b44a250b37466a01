package a

/*
typedef struct { int n; } thing;
typedef struct box { int n; } box;
typedef int (*hook)(int);
typedef struct lib lib;
enum level { LOW, HIGH };
static int level_of(lib *l) { return 0; }
*/
import "C"

type Lib struct {
	p    *C.lib
	Last C.int // want `Lib.Last mentions C.int, which no other package can name`
}

func (l *Lib) Level() C.int { return C.level_of(l.p) } // want `Lib.Level mentions C.int`

func Open(p *C.lib) *Lib { return &Lib{p: p} } // want `Open mentions C.lib`

type Alias = C.thing // want `Alias mentions C.thing`

var Boxes []C.box // want `Boxes mentions C.box`

var ByName map[string]func(C.int) // want `ByName mentions C.int`

type Hook func(C.int) // want `Hook mentions C.int`

type Looker interface {
	Look(*C.box) // want `Looker.Look mentions C.box`
}
