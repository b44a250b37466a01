// Package capi is the one place where the binding meets C. Each function is one call of courier.h
// with Go's types instead of C's; nothing here knows about handles being open or closed.
//
// Where to look:
//
//   - window.go: how a status and its message are read together. Start here.
//   - runtime.go, session.go, request.go, blob.go, wake.go: the calls.
//   - callback.go, trampoline.go, trampoline.c: how C calls Go. thread.go: what a thread is in the
//     middle of.
//   - link_*.go: which library is linked. layout*: whether it is the right one.
//
// Rules that the whole package keeps:
//
//   - No Go memory outlives a call in C, except an attached buffer, which is pinned. No memory that
//     holds Go pointers is handed to C. Structs with pointers inside are built on the C stack by small
//     helpers that take pointer and length.
//   - What C lends (messages, URLs) is copied before the loan ends.
//   - courier.h and courier_layout.h are copies of ffi/include: cgo notices a changed header only in
//     the package's own folder. A test compares them.
package capi

/*
#include "courier.h"
*/
import "C"

// Values of the header.
const (
	OK              = C.COURIER_OK
	InvalidArgument = C.COURIER_INVALID_ARGUMENT
	InvalidState    = C.COURIER_INVALID_STATE
	WrongThread     = C.COURIER_WRONG_THREAD
	Unsupported     = C.COURIER_UNSUPPORTED
	NativeError     = C.COURIER_NATIVE_ERROR

	WorkersThreads = C.COURIER_WORKERS_THREADS
	WorkersStepped = C.COURIER_WORKERS_STEPPED

	EventCompleted = C.COURIER_EVENT_COMPLETED
	EventFailed    = C.COURIER_EVENT_FAILED
	EventCancelled = C.COURIER_EVENT_CANCELLED

	FailureNone        = C.COURIER_FAILURE_NONE
	FailureProvider    = C.COURIER_FAILURE_PROVIDER
	FailureDropped     = C.COURIER_FAILURE_DROPPED
	FailureBadResponse = C.COURIER_FAILURE_BAD_RESPONSE
	FailureUnsupported = C.COURIER_FAILURE_UNSUPPORTED
	FailureNotFound    = C.COURIER_FAILURE_NOT_FOUND
	FailureOutsideRoot = C.COURIER_FAILURE_OUTSIDE_ROOT
	FailureIO          = C.COURIER_FAILURE_IO
	FailureInternal    = C.COURIER_FAILURE_INTERNAL
	FailureMalformed   = C.COURIER_FAILURE_MALFORMED
	FailureExpired     = C.COURIER_FAILURE_EXPIRED

	DecisionPass   = C.COURIER_DECISION_PASS
	DecisionHandle = C.COURIER_DECISION_HANDLE
	DecisionFail   = C.COURIER_DECISION_FAIL

	LogError = C.COURIER_LOG_ERROR
	LogWarn  = C.COURIER_LOG_WARN
	LogInfo  = C.COURIER_LOG_INFO
	LogDebug = C.COURIER_LOG_DEBUG
)
