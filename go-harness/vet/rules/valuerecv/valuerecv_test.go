package valuerecv_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/valuerecv"
)

func TestRule(t *testing.T) { ruletest.Run(t, valuerecv.Rule) }
