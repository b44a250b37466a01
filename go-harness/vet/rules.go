// Package vet finds broken interop contracts in Go code that calls C, through cgo or purego.
package vet

import (
	"github.com/cgolab/cgolab/go-harness/vet/rule"
	"github.com/cgolab/cgolab/go-harness/vet/rules/keepalive"
)

// Rules are all rules, by name.
func Rules() []*rule.Rule {
	return []*rule.Rule{
		keepalive.Rule,
	}
}
