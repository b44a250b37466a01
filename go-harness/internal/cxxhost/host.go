//go:build asan

package cxxhost

// #cgo CXXFLAGS: -std=c++17 -Wall -Wextra -Werror -I${SRCDIR}/../../courier/internal/capi
// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"errors"
	"unsafe"

	// It links the library.
	_ "github.com/cgolab/cgolab/go-harness/courier"
)

func lendsBytesForOneCall() error { return played(C.cxxhost_lends_bytes_for_one_call()) }

func answersFromAThread() error { return played(C.cxxhost_answers_from_a_thread()) }

func takesEventsIntoMemoryThatFits() error {
	return played(C.cxxhost_takes_events_into_memory_that_fits())
}

func catchesWhatItsCallbackThrows() error {
	return played(C.cxxhost_catches_what_its_callback_throws())
}

func played(wrong *C.char) error {
	if wrong == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(wrong))
	return errors.New(C.GoString(wrong))
}
