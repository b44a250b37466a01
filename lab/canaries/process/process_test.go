//go:build canary

package process

import (
	"os"
	"testing"

	"github.com/cgolab/cgolab/go-harness/child"
)

func TestCanaryProcess(t *testing.T) {
	if child.Variant() != "" {
		abort()
		os.Exit(0)
	}
	child.Run(t, "abort").WantCode(t, 0)
}
