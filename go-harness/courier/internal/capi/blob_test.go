package capi

import (
	"runtime"
	"testing"

	"github.com/cgolab/cgolab/go-harness/watchdog"
)

// newBlob is the content of "data:,sixsix", as a blob.
func newBlob(t *testing.T) (blob uint64) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stepped := int32(WorkersStepped)
	rt, err := RuntimeCreate(RuntimeOptions{Workers: &stepped})
	must(err)
	session, err := SessionCreate(rt)
	must(err)
	_, err = SessionLoad(session, "data:,sixsix", LoadOptions{})
	must(err)
	_, err = RuntimeStep(rt)
	must(err)
	_, err = RuntimePump(rt, 0, 1)
	must(err)
	events, err := RuntimeDrainEvents(rt, 1)
	must(err)
	must(SessionDestroy(session))
	must(RuntimeDestroy(rt))
	if len(events) != 1 {
		t.Fatalf("events %v", events)
	}
	return events[0].Payload
}

// Under AddressSanitizer a byte too many is a report: each buffer is an object of its own.
func TestVAL09AShortBufferIsLeftUntouched(t *testing.T) {
	watchdog.Guard(t)
	blob := newBlob(t)
	defer BlobRelease(blob)
	if required, err := blobCopy(blob, nil); required != 6 || err != nil {
		t.Errorf("asked for its size: %d, %v", required, err)
	}
	for capacity := 1; capacity <= 8; capacity++ {
		buffer := make([]byte, capacity)
		want := string(buffer)
		required, err := blobCopy(blob, buffer)
		if capacity < 6 {
			if native, ok := err.(*Error); !ok || native.Status != InvalidArgument {
				t.Errorf("%d bytes: refused with %v", capacity, err)
			}
		} else {
			want = "sixsix" + want[6:]
			if err != nil {
				t.Errorf("%d bytes: %v", capacity, err)
			}
		}
		if required != 6 || string(buffer) != want {
			t.Errorf("%d bytes: %q and a size of %d, want %q and 6", capacity, buffer, required, want)
		}
	}
}
