// Package leak holds the canaries of the leak engine: a block of the C heap that nothing refers to any
// more, and one that Go still holds. Both must be reported.
//
//	go test -tags canary ./leak
package leak
