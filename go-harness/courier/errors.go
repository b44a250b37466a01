package courier

import (
	"errors"
	"fmt"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// Categories of errors, for [errors.Is].
var (
	// ErrInvalidArgument: an argument is not acceptable.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrInvalidState: the arguments are fine, the moment is not.
	ErrInvalidState = errors.New("invalid state")
	// ErrWrongThread: the call belongs to the owner thread.
	ErrWrongThread = errors.New("wrong thread")
	// ErrUnsupported: this runtime was not set up for the call.
	ErrUnsupported = errors.New("unsupported")
	// ErrNative: the library itself, or the system below it, failed.
	ErrNative = errors.New("native error")
	// ErrUnknownStatus: the library returned a status that this binding does not know.
	ErrUnknownStatus = errors.New("unknown status")

	// ErrClosed: the handle was closed, or was never made. The library was not called.
	ErrClosed = errors.New("handle is closed")
	// ErrAlreadyCompleted: the request was completed before. The library was not called. It is also
	// an ErrInvalidState.
	ErrAlreadyCompleted = fmt.Errorf("%w: request is already completed", ErrInvalidState)
	// ErrABIMismatch: the library is not the one that this binding was compiled for. The library was
	// not used.
	ErrABIMismatch = errors.New("ABI mismatch")
)

// Error is an error of the library, or of the binding's own checks. The package documentation says which
// errors are something else.
type Error struct {
	Category error  // one of the categories
	Op       string // the operation, such as "load"
	Status   int32  // the library's status; 0 if the binding itself refused
	Message  string // the library's message; the binding's own if Status is 0

	// Word tells apart what is of one category, such as "queue-full" and "live-children". It stands in
	// brackets at the beginning of the library's message, and does not change from version to version.
	// The binding's own messages have none, and Word is "".
	Word string
}

func (e *Error) Error() string {
	if e.Category == ErrUnknownStatus {
		return fmt.Sprintf("courier: %s: unknown status %d: %s", e.Op, e.Status, e.Message)
	}
	return "courier: " + e.Op + ": " + e.Message
}

// Unwrap returns the category.
func (e *Error) Unwrap() error { return e.Category }

// refuse is an error of the binding's own making.
func refuse(op string, category error, message string) error {
	return &Error{Category: category, Op: op, Message: message}
}

func closed(op string) error { return refuse(op, ErrClosed, ErrClosed.Error()) }

// wrap gives an error of a native call its category. Other errors, and nil, stay as they are.
func wrap(op string, err error) error {
	if native, ok := err.(*capi.Error); ok {
		return &Error{category(native.Status), op, native.Status, native.Message, native.Word()}
	}
	return err
}

// wrapBound is wrap for calls on an owner-thread handle. While the owner's Close is succeeding, a call on
// another thread may still come to the library and find a stale handle, which is to say a closed one.
func wrapBound(op string, err error) error {
	if native, ok := err.(*capi.Error); ok && native.Stale() {
		return closed(op)
	}
	return wrap(op, err)
}

// wrapClose is wrapBound for Close itself: the handle is closed, and that is what was wanted.
func wrapClose(op string, err error) error {
	if native, ok := err.(*capi.Error); ok && native.Stale() {
		return nil
	}
	return wrap(op, err)
}

func category(status int32) error {
	switch status {
	case capi.InvalidArgument:
		return ErrInvalidArgument
	case capi.InvalidState:
		return ErrInvalidState
	case capi.WrongThread:
		return ErrWrongThread
	case capi.Unsupported:
		return ErrUnsupported
	case capi.NativeError:
		return ErrNative
	default:
		return ErrUnknownStatus
	}
}
