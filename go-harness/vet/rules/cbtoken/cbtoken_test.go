package cbtoken_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cbtoken"
)

func TestRule(t *testing.T) { ruletest.Run(t, cbtoken.Rule) }
