package emptyslice_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/emptyslice"
)

func TestRule(t *testing.T) { ruletest.Run(t, emptyslice.Rule) }
