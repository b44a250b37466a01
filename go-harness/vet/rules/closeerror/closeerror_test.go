package closeerror_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/closeerror"
)

func TestRule(t *testing.T) { ruletest.Run(t, closeerror.Rule) }
