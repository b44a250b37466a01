package cnul_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cnul"
)

func TestRule(t *testing.T) { ruletest.Run(t, cnul.Rule) }
