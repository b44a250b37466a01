// user_data: what a host passes comes back as it was, whatever it is. The library does not look into it, so
// that it may be a pointer, a token, or nothing.

#include <stdint.h>

#include "check.h"

static void *seen;
static int calls;

static void note(void *user_data) {
    seen = user_data;
    ++calls;
}

static courier_decision provide(void *user_data, courier_request request,
                                struct courier_string_view url) {
    (void)request;
    (void)url;
    note(user_data);
    return COURIER_DECISION_PASS;
}

static void *to_keep;
static courier_request kept;

static courier_decision keep(void *user_data, courier_request request,
                             struct courier_string_view url) {
    struct courier_cancel_callback callback = {sizeof callback, note, to_keep};
    uint32_t cancelled = 7;
    (void)user_data;
    (void)url;
    OK(courier_request_on_cancel(request, &callback, &cancelled));
    CHECK(cancelled == 0);
    kept = request;
    return COURIER_DECISION_HANDLE;
}

static void logged(void *user_data, courier_log_level level, struct courier_string_view text) {
    (void)level;
    (void)text;
    note(user_data);
}

// Exactly one call came, with this.
static void told(void *user_data) {
    CHECK(calls == 1);
    CHECK(seen == user_data);
    calls = 0;
}

static void comes_back(courier_runtime runtime, courier_session session, void *user_data) {
    struct courier_provider provider = {sizeof provider, provide, user_data};
    struct courier_provider keeper = {sizeof keeper, keep, NULL};
    struct courier_wake_callback wake = {sizeof wake, note, user_data};
    struct courier_log_callback log = {sizeof log, COURIER_LOG_DEBUG, logged, user_data};
    uint32_t unread = 0;
    uint64_t load;

    OK(courier_runtime_set_provider(runtime, &provider));
    start_load(session, "data:,a");
    step(runtime);
    told(user_data);
    OK(courier_runtime_pump(runtime, 0, UINT32_MAX, &unread));

    OK(courier_runtime_clear_provider(runtime));
    OK(courier_runtime_set_wake_callback(runtime, &wake));
    start_load(session, "data:,b");
    step(runtime);
    told(user_data);
    OK(courier_runtime_clear_wake_callback(runtime));
    OK(courier_runtime_pump(runtime, 0, UINT32_MAX, &unread));

    OK(courier_set_log_callback(&log));
    start_load(session, "data:,c");
    step(runtime);
    told(user_data);
    OK(courier_clear_log_callback());

    to_keep = user_data;
    OK(courier_runtime_set_provider(runtime, &keeper));
    load = start_load(session, "app:d");
    step(runtime);
    CHECK(calls == 0);
    OK(courier_session_cancel(session, load));
    told(user_data);
    courier_request_release(kept);
}

int main(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = open_session(runtime);
    int object;
    // The last three point nowhere.
    void *values[] = {&object, (char *)&object + 1, NULL, (void *)1, (void *)UINTPTR_MAX};
    for (size_t index = 0; index < sizeof values / sizeof *values; ++index) {
        comes_back(runtime, session, values[index]);
    }
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    return 0;
}
