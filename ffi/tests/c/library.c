// The library itself: its version, its layout, its diagnostics.
//
// Ends with code 3 when the library is not of the build that the headers are of: what every host should
// find out before anything else.

#include <inttypes.h>

#include "check.h"
#include "courier_layout.h"

#ifdef __cplusplus
#define ALIGN_OF(TYPE) alignof(TYPE)
#else
#define ALIGN_OF(TYPE) _Alignof(TYPE)
#endif

// FNV-1a, 64 bits, of one more piece of text.
static void hash(uint64_t *state, const char *piece) {
    for (; *piece; piece++) {
        *state = (*state ^ (uint8_t)*piece) * UINT64_C(0x100000001b3);
    }
}

// The fingerprint of the headers that this file is compiled with.
static uint64_t own_fingerprint(void) {
    uint64_t state = UINT64_C(0xcbf29ce484222325);
    char line[128];
#define LINE(...) (snprintf(line, sizeof line, __VA_ARGS__), hash(&state, line));
#define STRUCT(NAME) LINE("struct %s %zu %zu\n", #NAME, sizeof(NAME), ALIGN_OF(NAME))
#define FIELD(NAME, FIELD)                                                                    \
    LINE("field %s.%s %zu %zu\n", #NAME, #FIELD, offsetof(NAME, FIELD), sizeof(((NAME *)0)->FIELD))
#define CONST(NAME) LINE("const %s %" PRId64 "\n", #NAME, (int64_t)(NAME))
    LINE("abi %d\n", COURIER_ABI_VERSION)
    LINE("header %016" PRIx64 "\n", COURIER_HEADER_HASH)
    COURIER_LAYOUT(STRUCT, FIELD, CONST)
    return state;
}

static void *fails_with_another_word(void *ignored) {
    CHECK(courier_last_error().len == 0);
    INVALID(courier_wake_source_signal(UINT64_MAX), "[malformed]");
    return ignored;
}

int main(void) {
    if (courier_abi_version() != COURIER_ABI_VERSION
        || courier_layout_fingerprint() != own_fingerprint()) {
        fputs("library and header are not of one build\n", stderr);
        return 3;
    }

    // Each thread has its own diagnostic.
    CHECK(courier_last_error().len == 0);
    INVALID(courier_wake_source_signal(0), "[null]");
    on_another_thread(fails_with_another_word, NULL);
    CHECK(last_error_is("[null]"));
    // A function that returns nothing leaves it alone.
    courier_blob_release(UINT64_MAX);
    CHECK(last_error_is("[null]"));
    // One that succeeds clears it.
    OK(courier_clear_log_callback());
    return 0;
}
