// Runtimes: options, create, pump, step, destroy.

#include "check.h"

// A host whose header is newer than the library: its options have a field more.
struct newer_options {
    struct courier_runtime_options known;
    uint64_t unknown;
};

static void options_of_every_age(void) {
    struct newer_options newer;
    struct courier_runtime_options *options = &newer.known;
    uint8_t before[sizeof newer];
    memset(&newer, 0xa5, sizeof newer);
    memcpy(before, &newer, sizeof newer);

    // Refused, and nothing is touched.
    INVALID(courier_runtime_options_init(NULL, sizeof *options), "[null-pointer]");
    INVALID(courier_runtime_options_init(options, 0), "[bad-size]");
    INVALID(courier_runtime_options_init(options, sizeof *options - 1), "[bad-size]");
    CHECK(memcmp(before, &newer, sizeof newer) == 0);

    // Of the newer struct only the part that the library knows is written.
    OK(courier_runtime_options_init(options, sizeof newer));
    CHECK(options->size == sizeof newer && options->workers == COURIER_WORKERS_THREADS);
    CHECK(options->worker_threads == 2 && options->max_loads == 1024 && options->root == NULL);
    CHECK(memcmp(before + sizeof *options, &newer.unknown, sizeof newer.unknown) == 0);

    // And only that part is read.
    courier_runtime runtime = 0;
    OK(courier_runtime_create(options, &runtime));
    OK(courier_runtime_destroy(runtime));
    runtime = 0;
    options->size = sizeof *options - 1;
    INVALID(courier_runtime_create(options, &runtime), "[bad-size]");
    CHECK(runtime == 0);
}

// `options` with one field changed is refused.
#define REFUSED_WITH(FIELD, VALUE, WORD)                                                      \
    do {                                                                                      \
        struct courier_runtime_options changed = options;                                     \
        changed.FIELD = VALUE;                                                                \
        INVALID(courier_runtime_create(&changed, &runtime), WORD);                            \
        CHECK(runtime == 0);                                                                  \
    } while (0)

static void options_are_checked(void) {
    courier_runtime runtime = 0;
    struct courier_runtime_options options;
    OK(courier_runtime_options_init(&options, sizeof options));
    REFUSED_WITH(workers, 0, "[bad-value]");
    REFUSED_WITH(workers, 3, "[bad-value]");
    REFUSED_WITH(workers, INT32_MIN, "[bad-value]");
    REFUSED_WITH(worker_threads, 0, "[bad-value]");
    REFUSED_WITH(worker_threads, 65, "[bad-value]");
    // 1 in eight bits.
    REFUSED_WITH(worker_threads, 257, "[bad-value]");
    REFUSED_WITH(max_loads, 0, "[bad-value]");
    REFUSED_WITH(root, "", "[bad-root]");
    REFUSED_WITH(root, "\xff", "[not-utf8]");
    INVALID(courier_runtime_create(&options, NULL), "[null-pointer]");
    runtime = 7;
    INVALID(courier_runtime_create(&options, &runtime), "[out-not-null]");
    CHECK(runtime == 7);
}

// Every call that belongs to the owner is refused here, and writes nothing.
static void *not_the_owner(void *owned) {
    courier_runtime runtime = *(courier_runtime *)owned;
    courier_session session = 0;
    uint32_t number = 7;
    REFUSED(courier_runtime_pump(runtime, 0, 1, &number), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_runtime_step(runtime, &number), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_session_create(runtime, &session), COURIER_WRONG_THREAD, "[wrong-thread]");
    REFUSED(courier_runtime_destroy(runtime), COURIER_WRONG_THREAD, "[wrong-thread]");
    CHECK(number == 7 && session == 0);
    return NULL;
}

static void a_runtime_belongs_to_its_thread(void) {
    courier_runtime runtime = stepped_runtime(), another = 0;
    REFUSED(courier_runtime_create(NULL, &another), COURIER_INVALID_STATE, "[owner-has-runtime]");
    CHECK(another == 0);
    on_another_thread(not_the_owner, &runtime);

    uint32_t number = 7;
    INVALID(courier_runtime_pump(runtime, 0, 1, NULL), "[null-pointer]");
    INVALID(courier_runtime_step(runtime, NULL), "[null-pointer]");
    OK(courier_runtime_pump(runtime, 0, 1, &number));
    CHECK(number == 0);
    number = 7;
    OK(courier_runtime_step(runtime, &number));
    CHECK(number == 0);

    // Two loads; one of them for each pump.
    courier_session session = open_session(runtime);
    start_load(session, "data:,a");
    start_load(session, "data:,b");
    step(runtime);
    step(runtime);
    OK(courier_runtime_pump(runtime, -1, 0, &number));
    CHECK(number == 1);
    OK(courier_runtime_pump(runtime, -1, 1, &number));
    CHECK(number == 2);

    REFUSED(courier_runtime_destroy(runtime), COURIER_INVALID_STATE, "[live-children]");
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    INVALID(courier_runtime_destroy(runtime), "[stale]");
}

static void a_loop_of_the_hosts_own_knows_how_long_to_sleep(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = open_session(runtime);
    int64_t timeout = 7;
    INVALID(courier_runtime_next_timeout(runtime, NULL), "[null-pointer]");
    OK(courier_runtime_next_timeout(runtime, &timeout));
    CHECK(timeout == -1);
    const uint64_t hour = 3600000;
    struct courier_load_options options;
    OK(courier_load_options_init(&options, sizeof options));
    options.has_deadline = 1;
    options.deadline_ms = hour;
    uint64_t load = 0;
    OK(courier_session_load(session, text("app:thing"), &options, &load));
    OK(courier_runtime_next_timeout(runtime, &timeout));
    CHECK(timeout > (int64_t)hour / 2 && timeout <= (int64_t)hour);
    OK(courier_session_cancel(session, load));
    OK(courier_runtime_next_timeout(runtime, &timeout));
    CHECK(timeout == 0);
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
}

static void a_number_that_names_no_runtime(void) {
    courier_runtime runtime = stepped_runtime();
    courier_session session = open_session(runtime);
    const uint64_t generation = UINT64_C(1) << 24;
    uint32_t unread = 7;
    INVALID(courier_runtime_pump(0, 0, 1, &unread), "[null]");
    INVALID(courier_runtime_pump(UINT64_MAX, 0, 1, &unread), "[malformed]");
    INVALID(courier_runtime_pump(session, 0, 1, &unread), "[wrong-kind]");
    INVALID(courier_runtime_pump(runtime + 1, 0, 1, &unread), "[never-issued]");
    INVALID(courier_runtime_pump(runtime + generation, 0, 1, &unread), "[future-generation]");
    INVALID(courier_runtime_pump(runtime - generation, 0, 1, &unread), "[stale]");
    CHECK(unread == 7);
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
}

static void worker_threads_need_no_steps(void) {
    courier_runtime runtime = 0;
    uint32_t ran = 7;
    OK(courier_runtime_create(NULL, &runtime));
    REFUSED(courier_runtime_step(runtime, &ran), COURIER_UNSUPPORTED, "[not-stepped]");
    CHECK(ran == 7);
    courier_session session = open_session(runtime);
    start_load(session, "data:,hello");
    take_blob(next_event(runtime).payload, "hello");
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
}

int main(void) {
    options_of_every_age();
    options_are_checked();
    a_runtime_belongs_to_its_thread();
    a_loop_of_the_hosts_own_knows_how_long_to_sleep();
    a_number_that_names_no_runtime();
    worker_threads_need_no_steps();
    return 0;
}
