package exportptr_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/exportptr"
)

func TestRule(t *testing.T) { ruletest.Run(t, exportptr.Rule) }
