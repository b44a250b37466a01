package nativeptr_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/nativeptr"
)

func TestRule(t *testing.T) { ruletest.Run(t, nativeptr.Rule) }
