// Requests: a provider keeps them and answers later.

#include "check.h"

// Keeps every request.
static courier_decision keep(void *user_data, courier_request request, struct courier_string_view url) {
    CHECK(url.len > 0);
    *(courier_request *)user_data = request;
    return COURIER_DECISION_HANDLE;
}

static struct {
    courier_runtime runtime;
    courier_session session;
    uint64_t load;
    courier_request request;
} kept;

// Starts a load and has the provider keep its request.
static courier_request keep_one(void) {
    kept.load = start_load(kept.session, "app:thing");
    step(kept.runtime);
    return kept.request;
}

static void requests_are_completed_once(void) {
    struct courier_response response = response_of(COURIER_RESPONSE_BYTES, "hello");
    courier_request request = keep_one();
    INVALID(courier_request_complete(0, &response), "[null]");
    INVALID(courier_request_complete(request, NULL), "[null-pointer]");
    response.size = 39;
    INVALID(courier_request_complete(request, &response), "[bad-size]");
    response.size = sizeof response;
    OK(courier_request_complete(request, &response));
    REFUSED(courier_request_complete(request, &response), COURIER_INVALID_STATE, "[completed]");
    courier_request_release(request);
    courier_request_release(request); // ignored
    courier_request_release(0);       // ignored
    INVALID(courier_request_complete(request, &response), "[stale]");
    take_blob(next_event(kept.runtime).payload, "hello");

    response = response_of(COURIER_RESPONSE_ERROR, "no such thing");
    request = keep_one();
    OK(courier_request_complete(request, &response));
    courier_request_release(request);
    struct courier_event event = next_event(kept.runtime);
    CHECK(event.kind == COURIER_EVENT_FAILED && event.failure == COURIER_FAILURE_PROVIDER);
    take_blob(event.payload, "no such thing");

    courier_request_release(keep_one());
    expect_failure(kept.runtime, COURIER_FAILURE_DROPPED);
}

// A response with malformed contents is refused, and completes the request all the same.
static void malformed(struct courier_response response, const char *word) {
    courier_request request = keep_one();
    INVALID(courier_request_complete(request, &response), word);
    courier_request_release(request);
    expect_failure(kept.runtime, COURIER_FAILURE_BAD_RESPONSE);
}

static void malformed_responses_fail_the_load(void) {
    struct courier_response response;
    malformed(response_of(0, "hello"), "[bad-value]");
    malformed(response_of(3, "hello"), "[bad-value]");
    malformed(response_of(INT32_MIN, "hello"), "[bad-value]");
    malformed(response_of(COURIER_RESPONSE_ERROR, "\xff"), "[not-utf8]");
    response = response_of(COURIER_RESPONSE_BYTES, "hello");
    response.bytes.data = NULL;
    malformed(response, "[null-pointer]");
    response = response_of(COURIER_RESPONSE_BYTES, "hello");
    response.bytes.len = SIZE_MAX;
    malformed(response, "[bad-value]");
}

// Counts, and releases the request from inside, as a host does that cleans up at once.
static void cancelled(void *user_data) {
    ++*(int *)user_data;
    courier_request_release(kept.request);
}

static void not_called(void *user_data) {
    (void)user_data;
    CHECK(!"a callback that was not stored or is not wanted any more");
}

static void cancellation_is_told(void) {
    int calls = 0;
    uint32_t flag = 7;
    struct courier_cancel_callback callback = {sizeof callback, cancelled, &calls};
    courier_request request = keep_one();
    INVALID(courier_request_is_cancelled(request, NULL), "[null-pointer]");
    INVALID(courier_request_is_cancelled(0, &flag), "[null]");
    CHECK(flag == 7);
    OK(courier_request_is_cancelled(request, &flag));
    CHECK(flag == 0);

    flag = 7;
    INVALID(courier_request_on_cancel(request, &callback, NULL), "[null-pointer]");
    INVALID(courier_request_on_cancel(request, NULL, &flag), "[null-pointer]");
    callback.size = 8;
    INVALID(courier_request_on_cancel(request, &callback, &flag), "[bad-size]");
    callback.size = sizeof callback;
    callback.cancel = NULL;
    INVALID(courier_request_on_cancel(request, &callback, &flag), "[null-pointer]");
    callback.cancel = cancelled;
    CHECK(flag == 7);
    OK(courier_request_on_cancel(request, &callback, &flag));
    CHECK(flag == 0);
    flag = 7;
    REFUSED(courier_request_on_cancel(request, &callback, &flag), COURIER_INVALID_STATE,
            "[callback-set]");
    CHECK(flag == 7);
    OK(courier_session_cancel(kept.session, kept.load));
    CHECK(calls == 1);
    INVALID(courier_request_is_cancelled(request, &flag), "[stale]");
    CHECK(next_event(kept.runtime).kind == COURIER_EVENT_CANCELLED);

    // After the cancel: told at once, and never called.
    struct courier_response response = response_of(COURIER_RESPONSE_BYTES, "late");
    callback.cancel = not_called;
    request = keep_one();
    OK(courier_session_cancel(kept.session, kept.load));
    OK(courier_request_is_cancelled(request, &flag));
    CHECK(flag == 1);
    flag = 7;
    OK(courier_request_on_cancel(request, &callback, &flag));
    CHECK(flag == 1);
    REFUSED(courier_request_complete(request, &response), COURIER_INVALID_STATE, "[cancelled]");
    courier_request_release(request);
    CHECK(next_event(kept.runtime).kind == COURIER_EVENT_CANCELLED);

    // After the completion there is nothing to be told.
    request = keep_one();
    OK(courier_request_on_cancel(request, &callback, &flag));
    OK(courier_request_complete(request, &response));
    flag = 7;
    REFUSED(courier_request_on_cancel(request, &callback, &flag), COURIER_INVALID_STATE,
            "[completed]");
    CHECK(flag == 7);
    courier_request_release(request);
    take_blob(next_event(kept.runtime).payload, "late");
}

static void a_callback_can_be_taken_out(void) {
    int calls = 0;
    uint32_t flag = 7;
    struct courier_cancel_callback callback = {sizeof callback, not_called, NULL};
    struct courier_cancel_callback other = {sizeof other, cancelled, &calls};
    courier_request request = keep_one();
    OK(courier_request_clear_on_cancel(request)); // there is none, which is fine
    OK(courier_request_on_cancel(request, &callback, &flag));
    OK(courier_request_clear_on_cancel(request));
    OK(courier_request_on_cancel(request, &other, &flag)); // so there is room for another
    CHECK(flag == 0);
    OK(courier_session_cancel(kept.session, kept.load));
    CHECK(calls == 1);
    INVALID(courier_request_clear_on_cancel(request), "[stale]"); // `cancelled` has released it
    CHECK(next_event(kept.runtime).kind == COURIER_EVENT_CANCELLED);
}

static void expiry_is_told(void) {
    int calls = 0;
    uint32_t flag = 7;
    struct courier_cancel_callback callback = {sizeof callback, cancelled, &calls};
    struct courier_load_options options;
    OK(courier_load_options_init(&options, sizeof options));
    options.has_deadline = 1;
    OK(courier_session_load(kept.session, text("app:thing"), &options, &kept.load));
    step(kept.runtime);
    OK(courier_request_on_cancel(kept.request, &callback, &flag));
    expect_failure(kept.runtime, COURIER_FAILURE_EXPIRED);
    CHECK(calls == 1);
}

static void *completes_elsewhere(void *argument) {
    courier_request request = *(courier_request *)argument;
    struct courier_response response = response_of(COURIER_RESPONSE_BYTES, "from afar");
    OK(courier_request_complete(request, &response));
    courier_request_release(request);
    return NULL;
}

static void any_thread_may_answer(void) {
    courier_request request = keep_one();
    on_another_thread(completes_elsewhere, &request);
    take_blob(next_event(kept.runtime).payload, "from afar");
}

static void a_load_keeps_the_surface_that_it_began_with(void) {
    int window, other_window;
    void *surface = &surface;
    OK(courier_session_set_surface(kept.session, &window));
    courier_request request = keep_one();
    OK(courier_session_set_surface(kept.session, &other_window));
    INVALID(courier_request_surface(request, NULL), "[null-pointer]");
    INVALID(courier_request_surface(0, &surface), "[null]");
    CHECK(surface == &surface);
    OK(courier_request_surface(request, &surface));
    CHECK(surface == &window);
    courier_request_release(request);
    expect_failure(kept.runtime, COURIER_FAILURE_DROPPED);

    OK(courier_session_set_surface(kept.session, NULL));
    request = keep_one();
    OK(courier_request_surface(request, &surface));
    CHECK(surface == NULL);
    courier_request_release(request);
    expect_failure(kept.runtime, COURIER_FAILURE_DROPPED);
}

int main(void) {
    struct courier_provider provider = {sizeof provider, keep, &kept.request};
    kept.runtime = stepped_runtime();
    kept.session = open_session(kept.runtime);
    OK(courier_runtime_set_provider(kept.runtime, &provider));
    requests_are_completed_once();
    malformed_responses_fail_the_load();
    cancellation_is_told();
    a_callback_can_be_taken_out();
    expiry_is_told();
    any_thread_may_answer();
    a_load_keeps_the_surface_that_it_began_with();
    OK(courier_session_destroy(kept.session));
    OK(courier_runtime_destroy(kept.runtime));
    return 0;
}
