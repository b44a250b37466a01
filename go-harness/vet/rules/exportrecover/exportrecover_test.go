package exportrecover_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/exportrecover"
)

func TestRule(t *testing.T) { ruletest.Run(t, exportrecover.Rule) }
