package deferearly_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/deferearly"
)

func TestRule(t *testing.T) { ruletest.Run(t, deferearly.Rule) }
