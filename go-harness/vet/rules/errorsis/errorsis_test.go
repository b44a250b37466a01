package errorsis_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/errorsis"
)

func TestRule(t *testing.T) { ruletest.Run(t, errorsis.Rule) }
