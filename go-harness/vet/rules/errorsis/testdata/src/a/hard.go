package a

/*
const char *lib_error(void);
int lib_open(const char *path);
int lib_number(void);
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"syscall"
)

func Wraps() error {
	if C.lib_open(nil) != 0 {
		return fmt.Errorf("%w: %s", ErrOpen, C.GoString(C.lib_error()))
	}
	return nil
}

// Own is an error with a category.
type Own struct {
	text     string
	category error
}

// Unknown looks at what the package itself has put there.
func (o *Own) Unknown() bool { return o.category == ErrOpen }

func (o *Own) Error() string { return o.text }

// Is is asked by errors.Is.
func (o *Own) Is(target error) bool { return target == ErrOpen }

func Typed() error {
	if C.lib_open(nil) != 0 {
		return &Own{C.GoString(C.lib_error()), ErrOpen}
	}
	return nil
}

func Asks(err error) bool { return errors.Is(err, ErrOpen) }

func Reads(r io.Reader) bool {
	_, err := r.Read(nil)
	return err == io.EOF
}

func Absent(err error) bool { return err == nil }

var errLoad error

func Loaded() bool { return errLoad == nil }

// Number has no text of C.
func Number() error { return fmt.Errorf("status %d", int(C.lib_number())) }

// Errno is never wrapped: cgo gives it.
func Errno() bool {
	_, err := C.lib_open(nil)
	return err == syscall.EAGAIN
}

func known(ok bool) string {
	if ok {
		return C.GoString(C.lib_error())
	}
	return "unknown"
}

// Either has a text of its own, too.
func Either(ok bool) error { return errors.New(known(ok)) }

// MustOpen ends in a panic, which nobody sorts.
func MustOpen() {
	if C.lib_open(nil) != 0 {
		panic(fmt.Errorf("open: %s", C.GoString(C.lib_error())))
	}
}
