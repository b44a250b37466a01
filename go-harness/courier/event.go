package courier

import (
	"fmt"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// An Event tells how a load ended. It is a copy and stays valid.
type Event struct {
	Kind    EventKind
	Failure Failure   // why, if Kind is Failed
	Session SessionID // compare with Session.ID; equals the id of no later session
	Load    LoadID

	// Payload is the resource if Kind is Completed, and a message in UTF-8 if it is Failed. It is nil
	// if there is none, which is not the same as an empty one. Whoever drained the event closes it.
	Payload *Blob
}

func newEvent(e capi.Event) Event {
	event := Event{
		Kind:    EventKind(e.Kind),
		Failure: Failure(e.Failure),
		Session: SessionID(e.Session),
		Load:    LoadID(e.Load),
	}
	if e.Payload != 0 {
		event.Payload = newBlob(e.Payload)
	}
	return event
}

// EventKind says what happened. A newer library may use numbers without a name here.
type EventKind int32

const (
	Completed EventKind = capi.EventCompleted // the load has a result
	Failed    EventKind = capi.EventFailed    // the load has none, and a Failure
	Cancelled EventKind = capi.EventCancelled // Session.Cancel ended the load
)

func (k EventKind) String() string {
	switch k {
	case Completed:
		return "completed"
	case Failed:
		return "failed"
	case Cancelled:
		return "cancelled"
	default:
		return fmt.Sprintf("event kind %d", int32(k))
	}
}

// Failure says why a load failed. A newer library may use numbers without a name here.
type Failure int32

const (
	FailureNone        Failure = capi.FailureNone        // it did not fail
	FailureProvider    Failure = capi.FailureProvider    // the provider answered with an error
	FailureDropped     Failure = capi.FailureDropped     // the provider closed the request without completing it
	FailureBadResponse Failure = capi.FailureBadResponse // the provider's response or decision was malformed
	FailureUnsupported Failure = capi.FailureUnsupported // neither provider nor runtime serves such a URL
	FailureNotFound    Failure = capi.FailureNotFound    // there is no such file
	FailureOutsideRoot Failure = capi.FailureOutsideRoot // the path leads out of the root directory
	FailureIO          Failure = capi.FailureIO          // the system failed to read the file
	FailureInternal    Failure = capi.FailureInternal    // the library failed
	FailureMalformed   Failure = capi.FailureMalformed   // the data: URL is malformed
	FailureExpired     Failure = capi.FailureExpired     // the load's deadline passed
)

func (f Failure) String() string {
	names := [...]string{
		FailureNone:        "none",
		FailureProvider:    "provider error",
		FailureDropped:     "dropped",
		FailureBadResponse: "bad response",
		FailureUnsupported: "unsupported",
		FailureNotFound:    "not found",
		FailureOutsideRoot: "outside root",
		FailureIO:          "input/output error",
		FailureInternal:    "internal error",
		FailureMalformed:   "malformed",
		FailureExpired:     "expired",
	}
	if f < 0 || int(f) >= len(names) {
		return fmt.Sprintf("failure %d", int32(f))
	}
	return names[f]
}
