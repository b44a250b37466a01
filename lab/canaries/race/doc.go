// Package race holds the canary of the race engine: a data race that go test -race must report. If it
// passes, the detector is off, and every green result beside it means nothing.
//
//	go test -race -tags canary -run TestCanaryRace ./race
//
// Beside it stands what the detector does not see. For it each call of C is a release and an acquire of one
// lock that all calls share: whatever happened before a call is ordered before whatever happens after a
// later one, on any goroutine. TestLimitRaceAcrossC is the same race with such calls in between, and passes.
package race
