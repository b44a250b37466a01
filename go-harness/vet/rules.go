package vet

import (
	"github.com/cgolab/cgolab/go-harness/vet/rule"
	"github.com/cgolab/cgolab/go-harness/vet/rules/addrhandle"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cbtoken"
	"github.com/cgolab/cgolab/go-harness/vet/rules/checksoff"
	"github.com/cgolab/cgolab/go-harness/vet/rules/closeerror"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cnul"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cstring"
	"github.com/cgolab/cgolab/go-harness/vet/rules/ctypes"
	"github.com/cgolab/cgolab/go-harness/vet/rules/deferearly"
	"github.com/cgolab/cgolab/go-harness/vet/rules/doublefree"
	"github.com/cgolab/cgolab/go-harness/vet/rules/emptyslice"
	"github.com/cgolab/cgolab/go-harness/vet/rules/errorsis"
	"github.com/cgolab/cgolab/go-harness/vet/rules/exportptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/exportrecover"
	"github.com/cgolab/cgolab/go-harness/vet/rules/finalizerc"
	"github.com/cgolab/cgolab/go-harness/vet/rules/finalizermissing"
	"github.com/cgolab/cgolab/go-harness/vet/rules/freelock"
	"github.com/cgolab/cgolab/go-harness/vet/rules/handlecopy"
	"github.com/cgolab/cgolab/go-harness/vet/rules/hiddenptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/inttoptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/keepalive"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lasterror"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lockpair"
	"github.com/cgolab/cgolab/go-harness/vet/rules/nativeptr"
	"github.com/cgolab/cgolab/go-harness/vet/rules/nocallback"
	"github.com/cgolab/cgolab/go-harness/vet/rules/parentref"
	"github.com/cgolab/cgolab/go-harness/vet/rules/ptrparam"
	"github.com/cgolab/cgolab/go-harness/vet/rules/refinalize"
	"github.com/cgolab/cgolab/go-harness/vet/rules/retain"
	"github.com/cgolab/cgolab/go-harness/vet/rules/statuscheck"
	"github.com/cgolab/cgolab/go-harness/vet/rules/valuerecv"
)

// Rules are all rules, by name.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		addrhandle.Rule,
		cbtoken.Rule,
		checksoff.Rule,
		closeerror.Rule,
		cnul.Rule,
		cstring.Rule,
		ctypes.Rule,
		deferearly.Rule,
		doublefree.Rule,
		emptyslice.Rule,
		errorsis.Rule,
		exportptr.Rule,
		exportrecover.Rule,
		finalizerc.Rule,
		finalizermissing.Rule,
		freelock.Rule,
		handlecopy.Rule,
		hiddenptr.Rule,
		inttoptr.Rule,
		keepalive.Rule,
		lasterror.Rule,
		lockpair.Rule,
		nativeptr.Rule,
		nocallback.Rule,
		parentref.Rule,
		ptrparam.Rule,
		refinalize.Rule,
		retain.Rule,
		statuscheck.Rule,
		valuerecv.Rule,
	}
}
