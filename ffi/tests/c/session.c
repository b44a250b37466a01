// Sessions: loads, deadlines, cancellation, the retained buffer. Surfaces are in request.c.

#include "check.h"

struct newer_options {
    struct courier_load_options known;
    uint64_t unknown;
};

static void options_of_every_age(courier_session session) {
    struct newer_options newer;
    struct courier_load_options *options = &newer.known;
    uint8_t before[sizeof newer];
    memset(&newer, 0xa5, sizeof newer);
    memcpy(before, &newer, sizeof newer);
    INVALID(courier_load_options_init(NULL, sizeof *options), "[null-pointer]");
    INVALID(courier_load_options_init(options, sizeof *options - 1), "[bad-size]");
    CHECK(memcmp(before, &newer, sizeof newer) == 0);
    OK(courier_load_options_init(options, sizeof newer));
    CHECK(options->size == sizeof newer && options->has_deadline == 0 && options->deadline_ms == 0);
    CHECK(memcmp(before + sizeof *options, &newer.unknown, sizeof newer.unknown) == 0);

    uint64_t load = 7;
    options->has_deadline = 2;
    INVALID(courier_session_load(session, text("data:,"), options, &load), "[bad-value]");
    options->has_deadline = 0;
    options->size = sizeof *options - 1;
    INVALID(courier_session_load(session, text("data:,"), options, &load), "[bad-size]");
    CHECK(load == 7);
}

static void urls_are_checked(courier_session session) {
    uint64_t load = 7;
    struct courier_string_view url = {NULL, 1};
    INVALID(courier_session_load(session, url, NULL, &load), "[null-pointer]");
    INVALID(courier_session_load(session, text("data:,"), NULL, NULL), "[null-pointer]");
    INVALID(courier_session_load(session, text("data:,\xff"), NULL, &load), "[not-utf8]");
    INVALID(courier_session_load(session, text("no scheme"), NULL, &load), "[bad-url]");
    url.len = 0;
    INVALID(courier_session_load(session, url, NULL, &load), "[bad-url]");
    CHECK(load == 7);
}

static void loads_end_once(courier_runtime runtime, courier_session session) {
    uint64_t load = start_load(session, "data:,hello");
    step(runtime);
    REFUSED(courier_session_cancel(session, load), COURIER_INVALID_STATE, "[load-ended]");
    struct courier_event event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_COMPLETED && event.failure == COURIER_FAILURE_NONE);
    CHECK(event.session == session && event.load == load);
    take_blob(event.payload, "hello");

    load = start_load(session, "data:,never");
    OK(courier_session_cancel(session, load));
    REFUSED(courier_session_cancel(session, load), COURIER_INVALID_STATE, "[load-ended]");
    event = next_event(runtime);
    CHECK(event.kind == COURIER_EVENT_CANCELLED && event.load == load && event.payload == 0);

    INVALID(courier_session_cancel(session, 0), "[unknown-load]");
    INVALID(courier_session_cancel(session, load + 1), "[unknown-load]");

    struct courier_load_options options;
    OK(courier_load_options_init(&options, sizeof options));
    options.has_deadline = 1;
    OK(courier_session_load(session, text("data:,late"), &options, &load));
    expect_failure(runtime, COURIER_FAILURE_EXPIRED);

    start_load(session, "data:no-comma");
    step(runtime);
    expect_failure(runtime, COURIER_FAILURE_MALFORMED);
    start_load(session, "file:///there/is/no/root");
    step(runtime);
    expect_failure(runtime, COURIER_FAILURE_UNSUPPORTED);
}

static void a_buffer_takes_the_last_load(courier_runtime runtime, courier_session session) {
    uint8_t buffer[4] = {9, 9, 9, 9};
    courier_blob blob = 0;
    REFUSED(courier_session_snapshot(session, &blob), COURIER_INVALID_STATE, "[no-buffer]");
    REFUSED(courier_session_detach_buffer(session), COURIER_INVALID_STATE, "[no-buffer]");
    INVALID(courier_session_attach_buffer(session, NULL, 1), "[null-pointer]");
    INVALID(courier_session_attach_buffer(session, buffer, SIZE_MAX), "[bad-value]");
    OK(courier_session_attach_buffer(session, buffer, 3));
    REFUSED(courier_session_attach_buffer(session, NULL, 0), COURIER_INVALID_STATE,
            "[buffer-attached]");

    start_load(session, "data:,hello");
    step(runtime);
    take_blob(next_event(runtime).payload, "hello");
    INVALID(courier_session_snapshot(session, NULL), "[null-pointer]");
    OK(courier_session_snapshot(session, &blob));
    INVALID(courier_session_snapshot(session, &blob), "[out-not-null]");
    take_blob(blob, "hel");

    OK(courier_session_detach_buffer(session));
    CHECK(memcmp(buffer, "hel\x09", 4) == 0);
    // A buffer of no bytes needs no memory.
    OK(courier_session_attach_buffer(session, NULL, 0));
    OK(courier_session_detach_buffer(session));
}

static void a_full_runtime_refuses_loads(void) {
    struct courier_runtime_options options;
    courier_runtime runtime = 0;
    uint64_t load = 7;
    OK(courier_runtime_options_init(&options, sizeof options));
    options.workers = COURIER_WORKERS_STEPPED;
    options.max_loads = 1;
    OK(courier_runtime_create(&options, &runtime));
    courier_session session = open_session(runtime);
    start_load(session, "data:,one");
    REFUSED(courier_session_load(session, text("data:,two"), NULL, &load), COURIER_INVALID_STATE,
            "[queue-full]");
    CHECK(load == 7);
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
}

static void *not_the_owner(void *owned) {
    courier_session session = *(courier_session *)owned;
    uint64_t load = 7;
    courier_blob blob = 0;
    uint8_t buffer[1];
    REFUSED(courier_session_load(session, text("data:,"), NULL, &load), COURIER_WRONG_THREAD,
            "[wrong-thread]");
    REFUSED(courier_session_cancel(session, 1), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_attach_buffer(session, buffer, 1), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_detach_buffer(session), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_snapshot(session, &blob), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_set_surface(session, NULL), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_destroy(session), COURIER_WRONG_THREAD, "[wrong-thread]");
    CHECK(load == 7 && blob == 0);
    return NULL;
}

int main(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = 0;
    INVALID(courier_session_create(runtime, NULL), "[null-pointer]");
    INVALID(courier_session_create(0, &session), "[null]");
    CHECK(session == 0);
    session = open_session(runtime);
    INVALID(courier_session_create(runtime, &session), "[out-not-null]");

    options_of_every_age(session);
    urls_are_checked(session);
    loads_end_once(runtime, session);
    a_buffer_takes_the_last_load(runtime, session);
    on_another_thread(not_the_owner, &session);

    // Neither a load that never ran nor an unread event keeps a session from its end.
    start_load(session, "data:,read by nobody");
    step(runtime);
    start_load(session, "data:,never run");
    OK(courier_session_destroy(session));
    INVALID(courier_session_destroy(session), "[stale]");
    OK(courier_runtime_destroy(runtime));
    a_full_runtime_refuses_loads();
    return 0;
}
