// Package raw is for the package beside it.
//
//cgolab:raw the public package converts everything
package raw

// static int level(void) { return 0; }
import "C"

func Level() C.int { return C.level() }
