package doublefree_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/doublefree"
)

func TestRule(t *testing.T) { ruletest.Run(t, doublefree.Rule) }
