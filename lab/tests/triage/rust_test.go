//go:build rust

package triage

import "testing"

func TestRustPanic(t *testing.T) { t.Log(rustPanics()) }
