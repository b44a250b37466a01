#include "layout.h"

#include <stdio.h>

#include "courier.h"
#include "courier_layout.h"

/* One line of text for each name in courier_layout.h. */
size_t capi_layout_text(char *buffer, size_t capacity) {
  size_t length = 0;
#define LINE(...)                                                                       \
  length += (size_t)snprintf(length < capacity ? buffer + length : NULL,                \
                             length < capacity ? capacity - length : 0, __VA_ARGS__);
#define STRUCT(S) LINE("struct " #S " %zu %zu\n", sizeof(S), _Alignof(S))
#define FIELD(S, F) LINE("field " #S "." #F " %zu %zu\n", offsetof(S, F), sizeof(((S *)0)->F))
#define CONST(C) LINE("const " #C " %lld\n", (long long)(C))
  COURIER_LAYOUT(STRUCT, FIELD, CONST)
  return length;
}
