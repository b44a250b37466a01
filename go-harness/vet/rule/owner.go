package rule

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
)

// Owner is the exported struct whose exported method without arguments a function is, in a package that other modules
// import, or nil: users may call the method to end the life of an object.
func (p *Pass) Owner(fn *ssa.Function) *types.Named {
	recv := fn.Signature.Recv()
	if recv == nil || !p.Public(fn) || fn.Signature.Params().Len() > 0 || p.InTest(fn.Pos()) {
		return nil
	}
	named := summary.Named(recv.Type())
	if named == nil || !named.Obj().Exported() {
		return nil
	}
	if _, ok := named.Underlying().(*types.Struct); !ok {
		return nil
	}
	return named
}

// Ends reports whether a method is named after freeing, and frees a field.
func (p *Pass) Ends(fn *ssa.Function) bool {
	verb := summary.FreeVerb(fn.Name())
	f := p.Know.OfFunc(fn)
	return verb != "" && strings.EqualFold(fn.Name(), verb) && f != nil && len(f.Params) > 0 && len(f.Params[0].FreesFields) > 0
}
