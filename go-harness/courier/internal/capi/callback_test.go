package capi

import (
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/internal/watchdog"
)

// catchPanics collects what the trampoline reports.
func catchPanics(t *testing.T) *[]Panic {
	watchdog.Guard(t)
	panics := new([]Panic)
	SetPanicHandler(func(p Panic) { *panics = append(*panics, p) })
	t.Cleanup(func() { SetPanicHandler(nil) })
	return panics
}

func TestCBK10UnknownTokenIsReportedAndNothingElse(t *testing.T) {
	panics := catchPanics(t)
	cell := NewCell(func(uint64, string) int32 {
		t.Error("the provider of a freed cell was called")
		return DecisionHandle
	})
	freed := uintptr(cell.token)
	cell.Free()
	for i, token := range []uintptr{freed, 0, ^uintptr(0)} {
		if decision := trampoline(token, 1, "app:a"); decision != DecisionFail {
			t.Errorf("token %#x: decision %d", token, decision)
		}
		if len(*panics) != i+1 {
			t.Fatalf("token %#x: %d reports", token, len(*panics)-i)
		}
		if err, ok := (*panics)[i].Value.(error); !ok || !strings.Contains(err.Error(), "unknown callback token") {
			t.Errorf("token %#x: reported %v", token, (*panics)[i].Value)
		}
	}
}

// The trampoline's inner half, without C frames below it: a panic that comes through fails the test by
// name, instead of ending the process.
func TestCBK03PanicsAreContained(t *testing.T) {
	defer func() {
		if value := recover(); value != nil {
			t.Errorf("panic(%v) came through", value)
		}
	}()
	panics := catchPanics(t)
	if decision := contain("provider", func() int32 { panic("value") }); decision != DecisionFail {
		t.Errorf("decision %d", decision)
	}
	if len(*panics) != 1 || (*panics)[0].Value != "value" {
		t.Errorf("reported %v", *panics)
	}
}

func TestCBK03PanicOfThePanicHandlerIsContained(t *testing.T) {
	watchdog.Guard(t)
	defer func() {
		if value := recover(); value != nil {
			t.Errorf("panic(%v) came through", value)
		}
	}()
	SetPanicHandler(func(Panic) { panic("from the handler") })
	defer SetPanicHandler(nil)
	if decision := contain("provider", func() int32 { panic("from the provider") }); decision != DecisionFail {
		t.Errorf("decision %d", decision)
	}
}
