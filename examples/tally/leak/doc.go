// Package leak counts what the operations of tally leave in the C heap.
package leak
