package fuzz

import "testing"

func FuzzNativeBranch(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { nativeBranch(data) })
}

func FuzzNativeCompare(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { nativeCompare(data) })
}

func FuzzGoBranch(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { goBranch(data) })
}

func FuzzOverRead(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { overRead(data) })
}

func FuzzUnpinned(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { unpinned(data) })
}

func FuzzUnset(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { unset(data) })
}

func FuzzRaced(f *testing.F) {
	f.Fuzz(func(_ *testing.T, data []byte) { raced(data) })
}
