// Waking: a source that ends the owner's wait, and a callback for a host's own loop.

#include "check.h"

static void *signals(void *source) {
    OK(courier_wake_source_signal(*(courier_wake_source *)source));
    return NULL;
}

static void a_source_wakes_the_owner(courier_runtime runtime) {
    courier_wake_source source = 0;
    uint32_t unread = 7;
    INVALID(courier_runtime_wake_source(runtime, NULL), "[null-pointer]");
    INVALID(courier_runtime_wake_source(0, &source), "[null]");
    CHECK(source == 0);
    OK(courier_runtime_wake_source(runtime, &source));
    INVALID(courier_runtime_wake_source(runtime, &source), "[out-not-null]");

    // Without the signal this would wait for ever.
    on_another_thread(signals, &source);
    OK(courier_runtime_pump(runtime, -1, 1, &unread));
    CHECK(unread == 0);

    INVALID(courier_wake_source_signal(0), "[null]");
    INVALID(courier_wake_source_signal(runtime), "[wrong-kind]");
    courier_wake_source_release(source);
    courier_wake_source_release(source); // ignored
    courier_wake_source_release(0);      // ignored
    INVALID(courier_wake_source_signal(source), "[stale]");
}

static void count(void *user_data) { ++*(int *)user_data; }

static void *not_the_owner(void *owned) {
    courier_runtime runtime = *(courier_runtime *)owned;
    struct courier_wake_callback callback = {sizeof callback, count, NULL};
    courier_wake_source source = 0;
    REFUSED(courier_runtime_set_wake_callback(runtime, &callback), COURIER_WRONG_THREAD,
            "[wrong-thread]");
    REFUSED(courier_runtime_clear_wake_callback(runtime), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_runtime_wake_source(runtime, &source), COURIER_WRONG_THREAD, "[wrong-thread]");
    CHECK(source == 0);
    return NULL;
}

static void a_callback_says_when_to_pump(courier_runtime runtime) {
    int calls = 0, others = 0;
    uint32_t unread = 0;
    struct courier_wake_callback callback = {sizeof callback, count, &calls};
    courier_session session = open_session(runtime);
    OK(courier_runtime_set_wake_callback(runtime, &callback));

    // Two loads end: the first gives the owner work, the second adds to it.
    start_load(session, "data:,a");
    start_load(session, "data:,b");
    step(runtime);
    CHECK(calls == 1);
    step(runtime);
    CHECK(calls == 1);
    // A pump that leaves work behind says so.
    OK(courier_runtime_pump(runtime, 0, 1, &unread));
    CHECK(calls == 2);
    OK(courier_runtime_pump(runtime, 0, 1, &unread));
    CHECK(calls == 2 && unread == 2);

    // A refused call leaves the old callback in place.
    callback.user_data = &others;
    INVALID(courier_runtime_set_wake_callback(0, &callback), "[null]");
    INVALID(courier_runtime_set_wake_callback(runtime, NULL), "[null-pointer]");
    callback.size = 8;
    INVALID(courier_runtime_set_wake_callback(runtime, &callback), "[bad-size]");
    callback.size = sizeof callback;
    callback.wake = NULL;
    INVALID(courier_runtime_set_wake_callback(runtime, &callback), "[null-pointer]");
    on_another_thread(not_the_owner, &runtime);
    start_load(session, "data:,c");
    step(runtime);
    CHECK(calls == 3 && others == 0);

    // There is work: the new callback is told at once.
    callback.wake = count;
    OK(courier_runtime_set_wake_callback(runtime, &callback));
    CHECK(calls == 3 && others == 1);
    OK(courier_runtime_clear_wake_callback(runtime));
    OK(courier_runtime_clear_wake_callback(runtime));
    OK(courier_runtime_pump(runtime, 0, UINT32_MAX, &unread));
    start_load(session, "data:,d");
    step(runtime);
    CHECK(calls == 3 && others == 1);
    OK(courier_session_destroy(session));
}

int main(void) {
    courier_runtime runtime = stepped_runtime();
    courier_wake_source survivor = 0;
    a_source_wakes_the_owner(runtime);
    a_callback_says_when_to_pump(runtime);

    // A source may outlive its runtime.
    OK(courier_runtime_wake_source(runtime, &survivor));
    OK(courier_runtime_destroy(runtime));
    OK(courier_wake_source_signal(survivor));
    courier_wake_source_release(survivor);
    return 0;
}
