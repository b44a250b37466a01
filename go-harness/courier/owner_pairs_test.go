//go:build !race && !asan && !goexperiment.cgocheck2

package courier

import (
	"os"
	"regexp"
	"testing"
)

// ownerMeets are the tests of an [Owner], or a [Loader], together with each feature of the library. In
// scenario/src/pairs.md, where the model judges what the library does, an owner is a loop.
var ownerMeets = map[string][]func(*testing.T){
	"deadline":    {TestREQ17ADeadlineEndsALoad, TestREQ17ADeadlineIsFollowedByTheNext, TestTHR06JobsDoNotStarveEventsAndDeadlines},
	"budget":      {TestTHR06WhatAJobsBoundedPumpLeavesBehindIsHandedOut},
	"cancel":      {TestREQ19ACancelledContextCancelsTheLoad, TestREQ20ACancelReachesItsOwnLoadOnly},
	"session-end": {TestEVT07NoEventComesAfterItsSessionsClose, TestTHR18ASessionThatEndsMakesRoom},
	"provider":    {TestCBK14WhileTheOwnerWaitsForQuiescence, TestTHR07CloseEndsAProviderThatWaitsForASubmitter},
	"buffer":      {TestVAL03AnOwnerThatGivesUpLetsGoOfBuffers},
	"wake":        {TestTHR06ASleepingOwnerIsWoken, TestTHR05AJobCannotDrain},
	"logger":      {TestCBK14TheLoggerOfAnOwnersPumpCannotWaitForTheOwner},
}

func TestTheOwnerIsTestedWithEveryFeature(t *testing.T) {
	table, err := os.ReadFile("../../scenario/src/pairs.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| ([a-z-]+) \| loop \|`).FindAllSubmatch(table, -1)
	for _, row := range rows {
		if feature := string(row[1]); len(ownerMeets[feature]) == 0 {
			t.Errorf("no test of the owner with %s", feature)
		}
	}
	if len(rows) != len(ownerMeets) {
		t.Errorf("%d features meet a loop, %d an owner", len(rows), len(ownerMeets))
	}
}
