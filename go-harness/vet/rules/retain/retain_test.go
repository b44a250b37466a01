package retain_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/retain"
)

func TestRule(t *testing.T) { ruletest.Run(t, retain.Rule) }
