package keepalive_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/keepalive"
)

func TestRule(t *testing.T) { ruletest.Run(t, keepalive.Rule) }

func TestFixes(t *testing.T) { ruletest.RunFixes(t, keepalive.Rule, "fix") }
