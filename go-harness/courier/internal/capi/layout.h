#include <stddef.h>

/*
 * Writes the layout of courier.h, as this C compiler sees it, into buffer (always NUL-terminated)
 * and returns the length that it has, or would have had.
 */
size_t capi_layout_text(char *buffer, size_t capacity);
