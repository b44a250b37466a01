// Package process holds the tests that look at a whole process: how it ends, what it does with signals,
// threads, stacks and descriptors. Most run a part of themselves in a child. They belong to the engine
// process of the lab:
//
//	go test -tags lab ./internal/process
//	go test -race -tags lab -run THR10 ./internal/process
package process
