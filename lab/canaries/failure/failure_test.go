//go:build canary

package failure

import "testing"

func TestCanaryFailure(t *testing.T) { t.Error("canary: a failing test") }
