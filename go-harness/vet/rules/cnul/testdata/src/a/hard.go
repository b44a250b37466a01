package a

/*
#include <stdlib.h>
int lib_open(const char *path);
int lib_query(const char *text, size_t length);
typedef struct { const char *text; size_t length; } query;
int lib_ask(query *q);
*/
import "C"

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

func Looks(path string) int {
	if strings.IndexByte(path, 0) >= 0 {
		return -1
	}
	return give(path)
}

func give(path string) int {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	return int(C.lib_open(text))
}

func LooksForText(path string) int {
	if strings.Contains(path, "\x00") {
		return -1
	}
	return give(path)
}

func Asks(path string) int {
	if !plain(path) {
		return -1
	}
	return give(path)
}

// plain looks at each byte itself.
func plain(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == 0 {
			return false
		}
	}
	return true
}

func AsksTheSystem(path string) int {
	if _, err := syscall.BytePtrFromString(path); err != nil {
		return -1
	}
	return give(path)
}

type Config struct{ Path string }

func LooksAtField(c Config) int {
	if strings.ContainsRune(c.Path, 0) {
		return -1
	}
	return give(c.Path)
}

// Query is given the length: C sees all of it.
func Query(text string) int {
	copied := C.CString(text)
	defer C.free(unsafe.Pointer(copied))
	return int(C.lib_query(copied, C.size_t(len(text))))
}

// Known makes its text of what cannot hold a NUL.
func Known(n int) int { return give("/dev/" + strconv.Itoa(n)) }

func FromTheSystem() int { return give(os.Getenv("HOME")) }

func Replaced(path string) int { return give(strings.ReplaceAll(path, "\x00", "")) }

// Ask is given the length in the struct that holds the text.
func Ask(text string) int {
	q := (*C.query)(C.malloc(C.sizeof_query))
	defer C.free(unsafe.Pointer(q))
	q.text = C.CString(text)
	q.length = C.size_t(len(text))
	defer C.free(unsafe.Pointer(q.text))
	return int(C.lib_ask(q))
}
