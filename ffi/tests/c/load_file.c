// A small host in C: loads a file through the runtime's loader and another resource through a
// provider of its own, and checks what a host relies on. Usage: load_file ROOT

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "courier.h"

// Stops with the line, the expression and the library's diagnostic.
#define CHECK(CONDITION)                                                                      \
    do {                                                                                      \
        if (!(CONDITION)) {                                                                   \
            struct courier_string_view why = courier_last_error();                            \
            fprintf(stderr, "line %d: %s: %.*s\n", __LINE__, #CONDITION, (int)why.len,        \
                    why.len ? why.data : "");                                                 \
            exit(1);                                                                          \
        }                                                                                     \
    } while (0)

static struct courier_string_view text(const char *literal) {
    struct courier_string_view view = {literal, strlen(literal)};
    return view;
}

// Whether the last error begins with the word, brackets included.
static int last_error_is(const char *word) {
    struct courier_string_view why = courier_last_error();
    return why.len > strlen(word) && memcmp(why.data, word, strlen(word)) == 0;
}

// Serves app: URLs inline and passes on all others. user_data counts the calls.
static courier_decision provide(void *user_data, courier_request request,
                                struct courier_string_view url) {
    ++*(int *)user_data;
    if (url.len < 4 || memcmp(url.data, "app:", 4) != 0) {
        return COURIER_DECISION_PASS;
    }
    static const uint8_t bytes[] = {'a', 'p', 'p'};
    struct courier_response response = {0};
    response.size = sizeof response;
    response.kind = COURIER_RESPONSE_BYTES;
    response.bytes.data = bytes;
    response.bytes.len = sizeof bytes;
    CHECK(courier_request_complete(request, &response) == COURIER_OK);
    CHECK(courier_request_complete(request, &response) == COURIER_INVALID_STATE);
    CHECK(last_error_is("[completed]"));
    courier_request_release(request);
    courier_request_release(request); // ignored
    return COURIER_DECISION_HANDLE;
}

// Pumps until one event is there, and takes it out.
static struct courier_event next_event(courier_runtime runtime) {
    struct courier_event event;
    uint32_t unread = 0, count = 0;
    while (unread == 0) {
        CHECK(courier_runtime_pump(runtime, -1, UINT32_MAX, &unread) == COURIER_OK);
    }
    CHECK(courier_runtime_drain_events(runtime, &event, sizeof event, 1, &count) == COURIER_OK);
    CHECK(count == 1);
    return event;
}

// Checks a blob's bytes and releases it.
static void expect(courier_blob blob, const char *bytes) {
    size_t required = 0;
    CHECK(courier_blob_copy(blob, NULL, 0, &required) == COURIER_OK);
    CHECK(required == strlen(bytes));
    uint8_t *buffer = calloc(required + 1, 1);
    CHECK(buffer != NULL);
    size_t needed = 0;
    CHECK(courier_blob_copy(blob, buffer, required - 1, &needed) == COURIER_INVALID_ARGUMENT);
    CHECK(last_error_is("[too-small]"));
    CHECK(needed == required && buffer[0] == 0);
    CHECK(courier_blob_copy(blob, buffer, required, &needed) == COURIER_OK);
    CHECK(memcmp(buffer, bytes, required) == 0);
    free(buffer);
    courier_blob_release(blob);
    CHECK(courier_blob_copy(blob, NULL, 0, &required) == COURIER_INVALID_ARGUMENT);
    CHECK(last_error_is("[stale]"));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(courier_abi_version() == COURIER_ABI_VERSION);

    struct courier_runtime_options options;
    CHECK(courier_runtime_options_init(&options, 4) == COURIER_INVALID_ARGUMENT);
    CHECK(last_error_is("[bad-size]"));
    CHECK(courier_runtime_options_init(&options, sizeof options) == COURIER_OK);
    CHECK(courier_last_error().len == 0);
    options.root = argv[1];
    courier_runtime runtime = 0;
    CHECK(courier_runtime_create(&options, &runtime) == COURIER_OK);
    CHECK(courier_runtime_create(&options, &runtime) == COURIER_INVALID_ARGUMENT);
    CHECK(last_error_is("[out-not-null]"));

    int calls = 0;
    struct courier_provider provider = {sizeof provider, provide, &calls};
    CHECK(courier_runtime_set_provider(runtime, &provider) == COURIER_OK);
    courier_session session = 0;
    CHECK(courier_session_create(runtime, &session) == COURIER_OK);

    uint64_t load = 0;
    CHECK(courier_session_load(session, text("file:///hello.txt"), NULL, &load) == COURIER_OK);
    struct courier_event event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_COMPLETED && event.session == session && event.load == load);
    expect(event.payload, "hello from a file\n");

    CHECK(courier_session_load(session, text("app:thing"), NULL, &load) == COURIER_OK);
    event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_COMPLETED && event.load == load);
    expect(event.payload, "app");

    CHECK(courier_session_load(session, text("file:///..%2Fsecret"), NULL, &load) == COURIER_OK);
    event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_FAILED && event.failure == COURIER_FAILURE_OUTSIDE_ROOT);
    courier_blob_release(event.payload);

    CHECK(courier_runtime_destroy(runtime) == COURIER_INVALID_STATE);
    CHECK(last_error_is("[live-children]"));
    CHECK(courier_session_destroy(session) == COURIER_OK);
    CHECK(courier_runtime_destroy(runtime) == COURIER_OK);
    CHECK(calls == 3);
    puts("loaded");
    return 0;
}
