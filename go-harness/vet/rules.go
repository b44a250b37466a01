package vet

import (
	"github.com/cgolab/cgolab/go-harness/vet/rule"
	"github.com/cgolab/cgolab/go-harness/vet/rules/addrhandle"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cbtoken"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cstring"
	"github.com/cgolab/cgolab/go-harness/vet/rules/deferearly"
	"github.com/cgolab/cgolab/go-harness/vet/rules/doublefree"
	"github.com/cgolab/cgolab/go-harness/vet/rules/emptyslice"
	"github.com/cgolab/cgolab/go-harness/vet/rules/exportptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/inttoptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/keepalive"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lasterror"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lockpair"
	"github.com/cgolab/cgolab/go-harness/vet/rules/ptrparam"
	"github.com/cgolab/cgolab/go-harness/vet/rules/refinalize"
	"github.com/cgolab/cgolab/go-harness/vet/rules/valuerecv"
)

// Rules are all rules, by name.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		addrhandle.Rule,
		cbtoken.Rule,
		cstring.Rule,
		deferearly.Rule,
		doublefree.Rule,
		emptyslice.Rule,
		exportptr.Rule,
		inttoptr.Rule,
		keepalive.Rule,
		lasterror.Rule,
		lockpair.Rule,
		ptrparam.Rule,
		refinalize.Rule,
		valuerecv.Rule,
	}
}
