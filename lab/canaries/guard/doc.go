// Package guard holds the canaries of the guard engine: C functions that keep what they have borrowed and
// read it later, or read more than they were given. A child must die of each.
//
//	go test -tags canary ./guard
package guard
