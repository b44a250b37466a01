// Package goroutines holds the tests that no goroutine of the binding outlives what started it. It is a
// module of its own, so that the binding has no dependencies; the engine leak of the lab runs it:
//
//	go test -count=1 .
package goroutines
