package hiddenptr_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/hiddenptr"
)

func TestRule(t *testing.T) { ruletest.Run(t, hiddenptr.Rule) }
