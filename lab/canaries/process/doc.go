// Package process holds the canary of the process engine: a child that aborts in C, which the test in the
// parent must see and report.
//
//	go test -tags canary ./process
package process
