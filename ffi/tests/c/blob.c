// Blobs: bytes that outlive the load, its session and its runtime.

#include "check.h"

static void *releases(void *blob) {
    courier_blob_release(*(courier_blob *)blob);
    return NULL;
}

int main(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = open_session(runtime);
    start_load(session, "data:,hello");
    start_load(session, "data:,");
    step(runtime);
    step(runtime);
    courier_blob blob = next_event(runtime).payload, empty = next_event(runtime).payload;
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));

    // Ask for the size, then for the bytes.
    uint8_t buffer[8];
    size_t required = 0;
    memset(buffer, 9, sizeof buffer);
    OK(courier_blob_copy(blob, NULL, 0, &required));
    CHECK(required == 5);
    required = 0;
    INVALID(courier_blob_copy(blob, buffer, 4, &required), "[too-small]");
    CHECK(required == 5 && buffer[0] == 9);
    OK(courier_blob_copy(blob, buffer, 5, &required));
    CHECK(memcmp(buffer, "hello\x09\x09\x09", sizeof buffer) == 0);

    required = 7;
    INVALID(courier_blob_copy(blob, buffer, sizeof buffer, NULL), "[null-pointer]");
    INVALID(courier_blob_copy(blob, NULL, 1, &required), "[null-pointer]");
    INVALID(courier_blob_copy(0, buffer, sizeof buffer, &required), "[null]");
    CHECK(required == 7);
    OK(courier_blob_copy(empty, buffer, 0, &required));
    CHECK(required == 0);

    courier_blob_release(empty);
    on_another_thread(releases, &blob);
    courier_blob_release(blob); // ignored
    courier_blob_release(0);    // ignored
    INVALID(courier_blob_copy(blob, buffer, sizeof buffer, &required), "[stale]");
    return 0;
}
