package ctypes_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/ctypes"
)

func TestRule(t *testing.T) { ruletest.Run(t, ctypes.Rule) }
