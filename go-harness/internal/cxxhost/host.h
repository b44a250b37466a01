// The host, as Go calls it.

#ifndef CXXHOST_H
#define CXXHOST_H

#ifdef __cplusplus
extern "C" {
#endif

// Each plays one part of a host and returns NULL, or what went wrong, which the caller frees.
char *cxxhost_lends_bytes_for_one_call(void);
char *cxxhost_answers_from_a_thread(void);
char *cxxhost_takes_events_into_memory_that_fits(void);
char *cxxhost_catches_what_its_callback_throws(void);

#ifdef __cplusplus
}
#endif

#endif // CXXHOST_H
