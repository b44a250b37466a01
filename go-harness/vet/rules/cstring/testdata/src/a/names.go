package a

/*
#include <stdlib.h>
typedef struct group group;
static int lib_delete_group(group *g, const char *why) { return 0; }
static int lib_delete_member(group *g, char *member) { return 0; }
*/
import "C"

// C deletes the group, and reads the text.
func deleted(g *C.group, why string) {
	C.lib_delete_group(g, C.CString(why)) // want `memory of C.CString is never freed`
}

// Nothing tells which of the two it deletes.
func member(g *C.group, name string) { C.lib_delete_member(g, C.CString(name)) }
