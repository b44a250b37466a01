// Package bench compares the owner helper with other ways to run a function on a thread of its own.
//
//	go test -tags bench -run '^$' -bench . ./bench
//	taskset -c 0 go test -tags bench -run '^$' -bench OneCPU ./bench
package bench
