// Package cxxhost holds a host of courier that is written in C++, as many native programs are that a binding shares a
// process with. AddressSanitizer sees what the library does with memory of C++: it belongs to the engine asan, and needs a
// compiler of C++.
//
//	go test -asan ./internal/cxxhost
package cxxhost
