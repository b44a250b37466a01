package lockpair_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/lockpair"
)

func TestRule(t *testing.T) { ruletest.Run(t, lockpair.Rule) }
