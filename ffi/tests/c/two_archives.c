// Two static libraries in Rust in one program, each with threads and panics of its own.

#include "check.h"

// Of ../second-archive: starts threads, has one of them panic, and returns 6 if all is well.
#ifdef __cplusplus
extern "C"
#endif
uint32_t second_archive_check(void);

int main(void) {
    courier_runtime runtime = 0;
    CHECK(second_archive_check() == 6);
    OK(courier_runtime_create(NULL, &runtime));
    courier_session session = open_session(runtime);
    start_load(session, "data:,hello");
    take_blob(next_event(runtime).payload, "hello");
    CHECK(second_archive_check() == 6);
    OK(courier_session_destroy(session));
    OK(courier_runtime_destroy(runtime));
    return 0;
}
