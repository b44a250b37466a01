// Laid over package testing/internal/testdeps by cgolab fuzz.
#include <stddef.h>
#include <stdint.h>

// The name of the fuzz test that was linked in.
const char *cgolab_target(void);

// Called once, when inputs are about to run.
void cgolab_begin(void);
