// Package leak holds the tests that count native memory: what an operation takes of the C heap, and does
// not give back. They belong to the engine leak of the lab:
//
//	go test -tags lab ./internal/leak
//
// A leak checker that looks at the end, when nothing refers to a block any more, does not see a block that
// a table still holds, or a Go object. What is counted here is growth.
package leak
