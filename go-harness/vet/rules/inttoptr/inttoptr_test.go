package inttoptr_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/inttoptr"
)

func TestRule(t *testing.T) { ruletest.Run(t, inttoptr.Rule) }
