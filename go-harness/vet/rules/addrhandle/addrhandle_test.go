package addrhandle_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/addrhandle"
)

func TestRule(t *testing.T) { ruletest.Run(t, addrhandle.Rule) }
