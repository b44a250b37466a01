package cstring_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/cstring"
)

func TestRule(t *testing.T) { ruletest.Run(t, cstring.Rule) }
