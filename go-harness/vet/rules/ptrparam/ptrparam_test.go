package ptrparam_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/ptrparam"
)

func TestRule(t *testing.T) { ruletest.Run(t, ptrparam.Rule) }
