package courier

import (
	"strings"
	"testing"
)

// refusesLibrary checks that a library like this one is refused before anything is asked of it.
func refusesLibrary(t *testing.T, other abi, message string) {
	t.Helper()
	ownThread(t)
	genuine := library
	library = func() abi { return other }
	defer func() { library = genuine }()
	calls := countCalls(t)
	rt, err := NewRuntime()
	if rt != nil {
		t.Error("a runtime exists")
	}
	wantError(t, err, ErrABIMismatch, "")
	if err != nil && !strings.Contains(err.Error(), message) {
		t.Errorf("message %q does not say %q", err, message)
	}
	if n := calls.total(); n != 0 {
		t.Errorf("%d calls reached C", n)
	}
}

func TestABI01OtherVersionIsRefused(t *testing.T) {
	refusesLibrary(t, abi{header.version + 1, header.layout}, "ABI version")
}

func TestABI08LibraryOfAnotherBuildIsRefused(t *testing.T) {
	refusesLibrary(t, abi{header.version, header.layout ^ 1}, "of different builds")
}

func TestABI08LinkedLibraryIsAccepted(t *testing.T) {
	if found := library(); found != header {
		t.Errorf("library %+v, header %+v", found, header)
	}
	newRuntime(t)
}
