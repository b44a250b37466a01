package parentref_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/parentref"
)

func TestRule(t *testing.T) { ruletest.Run(t, parentref.Rule) }
