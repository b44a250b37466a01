package a

/*
#include <stdlib.h>
typedef struct db db;
db *db_open(void);
int db_size(db *d);
void db_close(db *d);
*/
import "C"

// value reads through a method that takes a value.
func value(d *DB) int { return d.Size() }

func explicit(d *DB) int { return (*d).Size() }

// taken moves: the channel has it no longer.
func taken(all chan DB) DB { return <-all }

// newDB returns what it has made itself.
func newDB() DB {
	d := DB{p: C.db_open()}
	return d
}

// View borrows: nothing frees it.
type View struct{ p *C.db }

func (d *DB) View() *View { return &View{d.p} }

func views(v *View) View { return *v }

// Options hold no memory.
type Options struct{ path string }

func options(o *Options) Options { return *o }

// Embedding has taken the database over.
type Embedding struct{ DB }

func NewEmbedding() *Embedding {
	d := Open()
	return &Embedding{*d}
}

func sizes(list []DB) (all int) {
	for _, d := range list {
		all += size(d)
	}
	return all
}

func path(d *DB) string { return d.path }
