// Package cgocheck holds the canary of the cgocheck2 engine: a Go pointer stored in memory that is
// not Go's. A program built with GOEXPERIMENT=cgocheck2 must die there. Any other build must pass: that
// shows that it is the checker that dies, and not the toolchain.
//
//	go test -tags canary ./cgocheck
//	GOEXPERIMENT=cgocheck2 go test -tags canary ./cgocheck
package cgocheck
