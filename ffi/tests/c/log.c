// The log: a callback for the whole process.

#include "check.h"

struct records {
    int count;
    courier_log_level last;
    int of_a_runtime;
};

static void count(void *user_data, courier_log_level level, struct courier_string_view line) {
    struct records *records = (struct records *)user_data;
    records->count++;
    records->last = level;
    records->of_a_runtime = line.len > 8 && memcmp(line.data, "runtime ", 8) == 0;
}

// Tries from inside what must not be done there.
static void replace_inside(void *user_data, courier_log_level level, struct courier_string_view line) {
    struct courier_log_callback another = {sizeof another, COURIER_LOG_DEBUG, count, user_data};
    courier_runtime runtime = 0;
    REFUSED(courier_set_log_callback(&another), COURIER_INVALID_STATE, "[inside-callback]");
    REFUSED(courier_clear_log_callback(), COURIER_INVALID_STATE, "[inside-callback]");
    REFUSED(courier_runtime_create(NULL, &runtime), COURIER_INVALID_STATE, "[inside-callback]");
    count(user_data, level, line);
}

static void a_runtime_comes_and_goes(void) {
    OK(courier_runtime_destroy(stepped_runtime()));
}

int main(void) {
    struct records records = {0, 0, 0}, others = {0, 0, 0};
    struct courier_log_callback callback = {sizeof callback, COURIER_LOG_INFO, count, &records};
    OK(courier_set_log_callback(&callback));
    a_runtime_comes_and_goes();
    CHECK(records.count == 2 && records.last == COURIER_LOG_INFO && records.of_a_runtime);

    // A refused call leaves the old callback in place.
    INVALID(courier_set_log_callback(NULL), "[null-pointer]");
    callback.user_data = &others;
    callback.size = 8;
    INVALID(courier_set_log_callback(&callback), "[bad-size]");
    callback.size = sizeof callback;
    callback.limit = COURIER_LOG_ERROR - 1;
    INVALID(courier_set_log_callback(&callback), "[bad-value]");
    callback.limit = COURIER_LOG_DEBUG + 1;
    INVALID(courier_set_log_callback(&callback), "[bad-value]");
    callback.limit = INT32_MIN;
    INVALID(courier_set_log_callback(&callback), "[bad-value]");
    callback.limit = COURIER_LOG_INFO;
    callback.log = NULL;
    INVALID(courier_set_log_callback(&callback), "[null-pointer]");
    a_runtime_comes_and_goes();
    CHECK(records.count == 4 && others.count == 0);

    // Replaced; and what is less important than the limit is not delivered.
    callback.log = replace_inside;
    OK(courier_set_log_callback(&callback));
    a_runtime_comes_and_goes();
    CHECK(records.count == 4 && others.count == 2);
    callback.limit = COURIER_LOG_WARN;
    OK(courier_set_log_callback(&callback));
    a_runtime_comes_and_goes();
    CHECK(others.count == 2);

    OK(courier_clear_log_callback());
    OK(courier_clear_log_callback());
    return 0;
}
