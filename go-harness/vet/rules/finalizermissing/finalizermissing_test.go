package finalizermissing_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/finalizermissing"
)

func TestRule(t *testing.T) { ruletest.Run(t, finalizermissing.Rule) }
