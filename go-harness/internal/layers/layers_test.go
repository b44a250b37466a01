//go:build !race && !asan && !goexperiment.cgocheck2

// Package layers holds the test of what may import what.
package layers

import (
	"go/build"
	"strings"
	"testing"
)

const module = "github.com/cgolab/cgolab/go-harness/"

// Whoever tests another binding takes these packages without the binding of this one.
func TestPackagesForAnyBindingKnowNoBinding(t *testing.T) {
	public := map[string]bool{"guard": true, "heap": true, "child": true, "watchdog": true, "note": true}
	context := build.Default
	context.UseAllFiles = true // whatever the tags
	for name := range public {
		p, err := context.ImportDir("../../"+name, 0)
		if err != nil {
			t.Fatal(err)
		}
		var imports []string
		for _, some := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			imports = append(imports, some...)
		}
		for _, path := range imports {
			other := strings.TrimPrefix(path, module)
			own := other != path
			foreign := !own && strings.Contains(strings.Split(path, "/")[0], ".")
			if foreign || own && !public[other] {
				t.Errorf("%s imports %s", name, path)
			}
		}
		if !strings.HasPrefix(p.Doc, "Package "+name+" ") {
			t.Errorf("%s has no documentation: %q", name, p.Doc)
		}
	}
}
