package a

/*
const char *lib_error(void);
int lib_open(const char *path);
*/
import "C"

import (
	"errors"
	"fmt"
)

var ErrOpen = errors.New("not opened")

func Open() error {
	if C.lib_open(nil) != 0 {
		return errors.New(C.GoString(C.lib_error())) // want `the error of errors.New is a text of C and nothing else`
	}
	return nil
}

func OpenSaying() error {
	if C.lib_open(nil) != 0 {
		return fmt.Errorf("open: %s", C.GoString(C.lib_error())) // want `the error of fmt.Errorf is a text of C`
	}
	return nil
}

func OpenJoined() error {
	if C.lib_open(nil) != 0 {
		return errors.New("open: " + message()) // want `the error of errors.New is a text of C`
	}
	return nil
}

func message() string { return C.GoString(C.lib_error()) }

func Again() bool {
	err := Open()
	return err == ErrOpen // want `an error that wraps ErrOpen is not equal to it`
}

func Sort(err error) int {
	switch err {
	case nil:
		return 0
	case ErrOpen: // want `an error that wraps ErrOpen is not equal to it`
		return 1
	}
	return 2
}

func Differs(err error) bool {
	return ErrOpen != err // want `an error that wraps ErrOpen is not equal to it`
}
