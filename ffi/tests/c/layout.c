// Prints the ABI's layout as this C compiler sees it: see courier_layout.h.

#include <inttypes.h>
#include <stdio.h>

#include "courier.h"
#include "courier_layout.h"

#define STRUCT(NAME) \
    printf("struct %s %zu %zu\n", #NAME, sizeof(NAME), _Alignof(NAME));
#define FIELD(NAME, FIELD) \
    printf("field %s.%s %zu %zu\n", #NAME, #FIELD, offsetof(NAME, FIELD), sizeof(((NAME *)0)->FIELD));
#define CONST(NAME) printf("const %s %" PRId64 "\n", #NAME, (int64_t)(NAME));

int main(void) {
    printf("abi %d\n", COURIER_ABI_VERSION);
    printf("header %016" PRIx64 "\n", COURIER_HEADER_HASH);
    COURIER_LAYOUT(STRUCT, FIELD, CONST)
    return 0;
}
