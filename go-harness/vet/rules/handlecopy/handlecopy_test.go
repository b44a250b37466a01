package handlecopy_test

import (
	"testing"

	"github.com/cgolab/cgolab/go-harness/vet/rule/ruletest"
	"github.com/cgolab/cgolab/go-harness/vet/rules/handlecopy"
)

func TestRule(t *testing.T) { ruletest.Run(t, handlecopy.Rule) }
