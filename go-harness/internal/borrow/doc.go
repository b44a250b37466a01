// Package borrow holds the tests that lend to the courier binding what its callers lend. A pointer that is kept
// too long ends the test process. They belong to the engine guard of the lab:
//
//	go test -tags lab ./internal/borrow
package borrow
