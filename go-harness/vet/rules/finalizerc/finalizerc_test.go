package finalizerc_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/finalizerc"
)

func TestRule(t *testing.T) { ruletest.Run(t, finalizerc.Rule) }
