#include <stddef.h>
#include <stdint.h>

// Returns where the body of a frame begins, or 0 if these size bytes are no frame.
size_t frames_body(const uint8_t *frame, size_t size);

// Returns the sum of as many bytes as the first byte of a body says, or 0 if they are not there.
uint32_t frames_sum(const uint8_t *body, size_t size);
