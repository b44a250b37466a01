package refinalize_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/refinalize"
)

func TestRule(t *testing.T) { ruletest.Run(t, refinalize.Rule) }
