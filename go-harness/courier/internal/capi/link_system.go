//go:build courier_system && !courier_nolink && !libfuzzer

package capi

// With the tag courier_system the binding links an installed library, as pkg-config describes it.

// #cgo pkg-config: courier
import "C"
