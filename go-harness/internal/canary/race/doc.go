// Package race holds the canary of the race engine: a data race that go test -race must report.
// If it passes, the detector is off, and every green result beside it means nothing.
//
//	go test -race -tags canary ./internal/canary/race
package race
