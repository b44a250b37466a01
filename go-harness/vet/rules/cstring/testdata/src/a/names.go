package a

/*
#include <stdlib.h>
typedef struct group group;
static int lib_delete_group(group *g, const char *why) { return 0; }
static int lib_delete_member(group *g, char *member) { return 0; }
static int lib_look_at(char **list, int n) { return 0; }
static void lib_free_list(char **list, int n) { }
*/
import "C"

// C deletes the group, and reads the text.
func deleted(g *C.group, why string) {
	C.lib_delete_group(g, C.CString(why)) // want `memory of C.CString is never freed`
}

// Nothing tells which of the two it deletes.
func member(g *C.group, name string) { C.lib_delete_member(g, C.CString(name)) }

// A list of texts is freed as one.
func list(s string) {
	l := [1]*C.char{C.CString(s)}
	C.lib_look_at(&l[0], 1)
	C.lib_free_list(&l[0], 1)
}

func listLost(s string) {
	l := [1]*C.char{C.CString(s)} // want `memory of C.CString is never freed`
	C.lib_look_at(&l[0], 1)
}
