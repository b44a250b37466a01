// Package compare runs benchmarks of things that do the same.
package compare

import (
	"flag"
	"testing"
)

// A process measures each case once, and the next process with -back the other way round: so what else
// happens on the machine meets all of them.
var back = flag.Bool("back", false, "run the cases of each benchmark from the last to the first")

// Case is one of the ways to do it.
type Case struct {
	Name string
	Run  func(b *testing.B)
}

// Cases runs each case as a benchmark below b.
func Cases(b *testing.B, cases ...Case) {
	for i := range cases {
		c := cases[i]
		if *back {
			c = cases[len(cases)-1-i]
		}
		b.Run("case="+c.Name, c.Run)
	}
}

// Each is a case of one call after the other.
func Each(name string, call func()) Case {
	return Case{name, func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			call()
		}
	}}
}

// Parallel is a case of calls on all processors.
func Parallel(name string, call func()) Case {
	return Case{name, func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				call()
			}
		})
	}}
}
