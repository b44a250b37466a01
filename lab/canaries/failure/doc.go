// Package failure holds the canary of the go engine: a test that fails.
//
//	go test -tags canary ./failure
package failure
