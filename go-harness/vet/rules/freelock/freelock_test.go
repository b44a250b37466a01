package freelock_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/freelock"
)

func TestRule(t *testing.T) { ruletest.Run(t, freelock.Rule) }
