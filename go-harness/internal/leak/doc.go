// Package leak holds the tests that count native memory: what an operation takes of the C heap, and does
// not give back. They belong to the engine leak of the lab:
//
//	go test -tags lab ./internal/leak
package leak
