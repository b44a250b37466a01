package vet

import (
	"github.com/cgolab/cgolab/go-harness/vet/rule"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cbtoken"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cstring"
	"github.com/cgolab/cgolab/go-harness/vet/rules/deferearly"
	"github.com/cgolab/cgolab/go-harness/vet/rules/doublefree"
	"github.com/cgolab/cgolab/go-harness/vet/rules/emptyslice"
	"github.com/cgolab/cgolab/go-harness/vet/rules/keepalive"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lasterror"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lockpair"
)

// Rules are all rules, by name.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		cbtoken.Rule,
		cstring.Rule,
		deferearly.Rule,
		doublefree.Rule,
		emptyslice.Rule,
		keepalive.Rule,
		lasterror.Rule,
		lockpair.Rule,
	}
}
