package a

/*
typedef int lib_status;
typedef struct lib lib;
lib_status lib_open(lib *l);
int lib_configure(lib *l, int level);
int lib_count(lib *l);
int lib_free(lib *l);
void lib_touch(lib *l);
*/
import "C"

import "fmt"

type Lib struct{ p *C.lib }

func (l *Lib) Configure(level int) error {
	if rc := C.lib_configure(l.p, C.int(level)); rc != 0 {
		return fmt.Errorf("configure: status %d", rc)
	}
	return nil
}

func (l *Lib) Reset() {
	C.lib_open(l.p)         // want `the status of C.lib_open is dropped`
	C.lib_configure(l.p, 0) // want `the status of C.lib_configure is dropped`
}

// Dropped on purpose, or no status.
func (l *Lib) Close() {
	_ = C.lib_configure(l.p, 0)
	C.lib_count(l.p)
	C.lib_touch(l.p)
	if C.lib_free(l.p) != 0 {
		fmt.Println("not freed")
	}
}

func (l *Lib) Drop() {
	C.lib_free(l.p)
	defer C.lib_configure(l.p, 0)
}
