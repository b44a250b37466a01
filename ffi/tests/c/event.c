// Events: draining them into an array, also one of a host whose header is newer.

#include "check.h"

// An event with a field that the library does not know.
struct newer_event {
    struct courier_event known;
    uint64_t unknown;
};

static const uint64_t canary = UINT64_C(0xa5a5a5a5a5a5a5a5);

int main(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = open_session(runtime);
    const char *expected[] = {"a", "b", "c"};
    uint32_t count = 7, unread = 0;
    start_load(session, "data:,a");
    start_load(session, "data:,b");
    start_load(session, "data:,c");
    step(runtime);
    step(runtime);
    step(runtime);
    OK(courier_runtime_pump(runtime, 0, UINT32_MAX, &unread));
    CHECK(unread == 3);

    struct newer_event events[4];
    memset(events, 0xa5, sizeof events);
    struct courier_event *first = &events[0].known;
    const uint32_t size = sizeof *first, newer = sizeof events[0];
    INVALID(courier_runtime_drain_events(0, first, newer, 4, &count), "[null]");
    INVALID(courier_runtime_drain_events(runtime, NULL, newer, 4, &count), "[null-pointer]");
    INVALID(courier_runtime_drain_events(runtime, first, newer, 4, NULL), "[null-pointer]");
    INVALID(courier_runtime_drain_events(runtime, first, 0, 4, &count), "[bad-size]");
    INVALID(courier_runtime_drain_events(runtime, first, size - 1, 4, &count), "[bad-size]");
    INVALID(courier_runtime_drain_events(runtime, first, size + 1, 4, &count), "[bad-size]");
    CHECK(count == 7 && first->load == canary);
    OK(courier_runtime_drain_events(runtime, NULL, newer, 0, &count));
    CHECK(count == 0);

    // No more than there is room for; the rest stays.
    OK(courier_runtime_drain_events(runtime, first, newer, 2, &count));
    CHECK(count == 2 && events[2].known.load == canary);
    OK(courier_runtime_drain_events(runtime, &events[2].known, newer, 2, &count));
    CHECK(count == 1 && events[3].known.load == canary);
    for (int i = 0; i < 3; i++) {
        CHECK(events[i].known.kind == COURIER_EVENT_COMPLETED);
        CHECK(events[i].known.load == (uint64_t)i + 1);
        // The library does not touch bytes that it does not know.
        CHECK(events[i].unknown == canary);
        take_blob(events[i].known.payload, expected[i]);
    }
    OK(courier_runtime_drain_events(runtime, first, newer, 4, &count));
    CHECK(count == 0);

    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    return 0;
}
