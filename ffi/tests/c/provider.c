// Providers: callbacks that are offered every load, and the meaning of their answers.

#include "check.h"

// The answer of the next call, and what calls have seen.
struct provider {
    courier_runtime runtime;
    courier_decision answer;
    int calls;
};

static courier_decision provide(void *user_data, courier_request request,
                                struct courier_string_view url) {
    struct provider *provider = (struct provider *)user_data;
    uint32_t unread = 0;
    provider->calls++;
    CHECK(request != 0 && text_is(url, "app:thing"));
    REFUSED(courier_runtime_pump(provider->runtime, 0, 1, &unread), COURIER_INVALID_STATE,
            "[inside-callback]");
    REFUSED(courier_runtime_clear_provider(provider->runtime), COURIER_INVALID_STATE,
            "[inside-callback]");
    if (provider->answer == COURIER_DECISION_HANDLE) {
        struct courier_response response = response_of(COURIER_RESPONSE_BYTES, "app");
        OK(courier_request_complete(request, &response));
        courier_request_release(request);
    }
    return provider->answer;
}

static void answers(struct provider *provider, courier_session session, courier_decision answer) {
    provider->answer = answer;
    start_load(session, "app:thing");
    step(provider->runtime);
}

static void *not_the_owner(void *owned) {
    struct provider *provider = (struct provider *)owned;
    struct courier_provider callback = {sizeof callback, provide, provider};
    REFUSED(courier_runtime_set_provider(provider->runtime, &callback), COURIER_WRONG_THREAD,
            "[wrong-thread]");
    REFUSED(courier_runtime_clear_provider(provider->runtime), COURIER_WRONG_THREAD, "[wrong-thread]");
    return NULL;
}

int main(void) {
    struct provider first = {stepped_runtime(), COURIER_DECISION_PASS, 0}, second = first;
    courier_runtime runtime = first.runtime;
    courier_session session = open_session(runtime);
    struct courier_provider callback = {sizeof callback, provide, &first};
    OK(courier_runtime_set_provider(runtime, &callback));

    answers(&first, session, COURIER_DECISION_PASS);
    expect_failure(runtime, COURIER_FAILURE_UNSUPPORTED);
    answers(&first, session, COURIER_DECISION_FAIL);
    expect_failure(runtime, COURIER_FAILURE_PROVIDER);
    answers(&first, session, 3);
    expect_failure(runtime, COURIER_FAILURE_BAD_RESPONSE);
    answers(&first, session, INT32_MIN);
    expect_failure(runtime, COURIER_FAILURE_BAD_RESPONSE);
    answers(&first, session, COURIER_DECISION_HANDLE);
    take_blob(next_event(runtime).payload, "app");
    CHECK(first.calls == 5);

    // A refused call leaves the old provider in place.
    callback.user_data = &second;
    INVALID(courier_runtime_set_provider(runtime, NULL), "[null-pointer]");
    INVALID(courier_runtime_set_provider(0, &callback), "[null]");
    callback.size = 4;
    INVALID(courier_runtime_set_provider(runtime, &callback), "[bad-size]");
    callback.size = sizeof callback;
    callback.provide = NULL;
    INVALID(courier_runtime_set_provider(runtime, &callback), "[null-pointer]");
    on_another_thread(not_the_owner, &second);
    answers(&first, session, COURIER_DECISION_HANDLE);
    take_blob(next_event(runtime).payload, "app");
    CHECK(first.calls == 6 && second.calls == 0);

    callback.provide = provide;
    OK(courier_runtime_set_provider(runtime, &callback));
    answers(&second, session, COURIER_DECISION_HANDLE);
    take_blob(next_event(runtime).payload, "app");
    CHECK(first.calls == 6 && second.calls == 1);

    OK(courier_runtime_clear_provider(runtime));
    OK(courier_runtime_clear_provider(runtime));
    answers(&second, session, COURIER_DECISION_HANDLE);
    expect_failure(runtime, COURIER_FAILURE_UNSUPPORTED);
    CHECK(second.calls == 1);

    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    return 0;
}
