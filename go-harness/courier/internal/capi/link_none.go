//go:build courier_nolink || libfuzzer

package capi

// Nothing is linked here: the symbols come from whoever links the final binary, for example a
// libFuzzer target that is Rust on the outside and holds this package as an archive.
