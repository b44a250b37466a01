// Package bench compares the owner helper with other ways to run a function on a thread of its own. It is
// a module of its own, so that the binding has no dependencies.
//
//	go test -tags bench -run '^$' -bench .
//	taskset -c 0 go test -tags bench -run '^$' -bench OneCPU
package bench
