// A target of libFuzzer that calls a gate of the archive: GATE is its name.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (planted_opens((char *)GATE, (unsigned char *)data, size)) {
        fputs("linked: planted\n", stderr);
        abort();
    }
    return 0;
}
