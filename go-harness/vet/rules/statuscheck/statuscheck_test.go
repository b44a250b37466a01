package statuscheck_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/statuscheck"
)

func TestRule(t *testing.T) { ruletest.Run(t, statuscheck.Rule) }
