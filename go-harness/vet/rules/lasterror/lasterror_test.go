package lasterror_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lasterror"
)

func TestRule(t *testing.T) { ruletest.Run(t, lasterror.Rule) }
