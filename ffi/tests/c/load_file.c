// A small host: loads a file through the runtime's loader, and another resource through a provider of its
// own. Usage: load_file ROOT

#include "check.h"

// Serves app: URLs inline and passes on all others. user_data counts the calls.
static courier_decision provide(void *user_data, courier_request request,
                                struct courier_string_view url) {
    struct courier_response response = response_of(COURIER_RESPONSE_BYTES, "app");
    ++*(int *)user_data;
    if (url.len < 4 || memcmp(url.data, "app:", 4) != 0) {
        return COURIER_DECISION_PASS;
    }
    OK(courier_request_complete(request, &response));
    courier_request_release(request);
    return COURIER_DECISION_HANDLE;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    struct courier_runtime_options options;
    courier_runtime runtime = 0;
    OK(courier_runtime_options_init(&options, sizeof options));
    options.root = argv[1];
    OK(courier_runtime_create(&options, &runtime));

    int calls = 0;
    struct courier_provider provider = {sizeof provider, provide, &calls};
    OK(courier_runtime_set_provider(runtime, &provider));
    courier_session session = open_session(runtime);

    uint64_t load = start_load(session, "file:///hello.txt");
    struct courier_event event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_COMPLETED && event.session == session && event.load == load);
    take_blob(event.payload, "hello from a file\n");

    load = start_load(session, "app:thing");
    event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_COMPLETED && event.load == load);
    take_blob(event.payload, "app");

    start_load(session, "file:///no/such/file");
    expect_failure(runtime, COURIER_FAILURE_NOT_FOUND);
    start_load(session, "file:///..%2Fsecret");
    expect_failure(runtime, COURIER_FAILURE_OUTSIDE_ROOT);

    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    CHECK(calls == 4);
    return 0;
}
