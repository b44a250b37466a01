// Package goroutines holds the tests that no goroutine of the binding outlives what started it. The
// engine leak of the lab runs them:
//
//	go test -count=1 ./goroutines
package goroutines
