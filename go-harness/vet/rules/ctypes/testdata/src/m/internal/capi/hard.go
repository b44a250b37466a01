package capi

// static int level(void) { return 0; }
import "C"

func Level() C.int { return C.level() }
