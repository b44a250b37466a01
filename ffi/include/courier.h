// Generated from the Rust source by `cargo lab header`; do not edit.
//
// courier: an embeddable resource loader with a thread-affine owner. C ABI.
//
// A host creates a runtime on a thread, which becomes its owner thread, opens sessions in it and loads
// resources by URL. Each load is offered to the host's provider first; when that passes, `data:` URLs are
// decoded, and `file:` URLs are read under the runtime's root directory. Results come back as events:
// pump, then drain.
//
// HANDLES are numbers. 0 is null for every kind. A handle names one object for ever: after release it
// is stale and never names a newer one.
//   kind         made by                        thread   ended by
//   runtime      courier_runtime_create         owner    courier_runtime_destroy (refused with sessions)
//   session      courier_session_create         owner    courier_session_destroy
//   request      given to the provider          any      courier_request_release, exactly once
//   blob         a drained event, a snapshot    any      courier_blob_release
//   wake source  courier_runtime_wake_source    any      courier_wake_source_release
//
// THREADS. Functions of runtimes and sessions belong to the owner thread: elsewhere they return
// COURIER_WRONG_THREAD, and from inside a callback on the owner thread COURIER_INVALID_STATE. All other
// functions may be called on any thread.
//
// CALLBACKS. No lock of the library is held while one runs. What may be called from inside, on the same
// thread ("yes" means: as anywhere else):
//                                            provider  cancel  wake  log
//   courier_runtime_..., courier_session_... refused   refused refused refused
//     (but for courier_runtime_options_init) yes       yes     yes   yes
//   courier_[set|clear]_log_callback         refused   refused refused refused
//   courier_request_...                      yes       yes     yes   yes
//   courier_blob_..., courier_wake_source_.. yes       yes     yes   yes
//   all others                               yes       yes     yes   yes
// Refused is [inside-callback], or [wrong-thread] where that applies. A function that replaces, clears or
// destroys what a callback belongs to returns when no call of it runs any more; so a callback must not wait
// for the thread that does that. Callbacks run on the thread where something happens, which may be inside a
// call of the host's. They must not unwind or longjmp out.
//
// STATUS. Checks come in this order: arguments, liveness of the handle, thread, state. A function that
// does not return COURIER_OK has had no effect unless it says otherwise. Out parameters are written
// only with COURIER_OK, except a required length. The out parameter of a function that creates a
// handle must hold 0. courier_last_error explains the failure; its text begins with a stable word in
// brackets:
//   handles    [null] [malformed] [wrong-kind] [never-issued] [future-generation] [stale]
//   arguments  [null-pointer] [bad-size] [out-not-null] [bad-value] [not-utf8] [bad-url] [bad-root]
//              [unknown-load] [too-small]
//   thread     [wrong-thread]
//   state      [inside-callback] [live-children] [owner-has-runtime] [queue-full] [load-ended]
//              [completed] [cancelled] [expired] [callback-set] [buffer-attached] [no-buffer]
//   others     [not-stepped] (COURIER_UNSUPPORTED); [exhausted] [system] [panic] (COURIER_NATIVE_ERROR)
//
// STRUCTS that begin with a size may grow in later versions. A size below that of the first version is
// refused with [bad-size]; of a larger struct the library reads and writes the part that it knows.
//
// MEMORY. The library borrows what is passed to it for the call only, and copies what it keeps. The
// exceptions: a callback's user_data, and an attached buffer. Nothing that it returns needs free().
// "Pointers" below names what a function relies on and cannot check. NULL is never followed: it is refused
// with [null-pointer], unless the function gives it a meaning.

#ifndef COURIER_H
#define COURIER_H

#include <stddef.h>
#include <stdint.h>

// The version of this header. A library with another version must not be used.
#define COURIER_ABI_VERSION 1

// Text: `len` bytes of UTF-8 at `data`, not NUL-terminated. With `len` 0, `data` may be anything.
typedef struct courier_string_view {
    // The first byte.
    const char *data;
    // The number of bytes.
    size_t len;
} courier_string_view;

// The result of a function: COURIER_OK, or the reason of a refusal.
typedef int32_t courier_status;

// The kind of threads that run the loads of a runtime.
typedef int32_t courier_workers;

// Options of a new runtime. courier_runtime_options_init fills in the defaults.
typedef struct courier_runtime_options {
    // sizeof(courier_runtime_options) of the header that the host was compiled with.
    uint32_t size;
    // COURIER_WORKERS_THREADS (the default) or COURIER_WORKERS_STEPPED.
    courier_workers workers;
    // The number of worker threads, from 1 to 64; 2 is the default. Not read with stepped workers.
    uint32_t worker_threads;
    // The number of loads that the runtime may have at once, from their start until their event is
    // drained. It bounds all queues. 1024 is the default; 0 is refused.
    uint32_t max_loads;
    // The directory under which `file:` URLs are resolved: a NUL-terminated path in UTF-8, borrowed
    // for the call. NULL (the default): `file:` URLs are not served. An empty path is refused.
    const char *root;
} courier_runtime_options;

// A runtime: sessions, loads and events of one owner thread.
typedef uint64_t courier_runtime;

// Options of a load. courier_load_options_init fills in the defaults.
typedef struct courier_load_options {
    // sizeof(courier_load_options) of the header that the host was compiled with.
    uint32_t size;
    // 1 if the load has a deadline, 0 (the default) if not.
    uint32_t has_deadline;
    // Milliseconds from the start of the load after which it fails with COURIER_FAILURE_EXPIRED; 0: at
    // the next pump. Not read without a deadline.
    uint64_t deadline_ms;
} courier_load_options;

// A group of loads that ends together.
typedef uint64_t courier_session;

// Immutable bytes.
typedef uint64_t courier_blob;

// A number for the way in which a load ended. Hosts accept numbers that they do not know.
typedef int32_t courier_event_kind;

// A number for the reason of a failure. Hosts accept numbers that they do not know.
typedef int32_t courier_failure;

// The end of one load.
typedef struct courier_event {
    // The way in which the load ended: COURIER_EVENT_...
    courier_event_kind kind;
    // The reason of a failure: COURIER_FAILURE_..., or COURIER_FAILURE_NONE if the load did not fail.
    courier_failure failure;
    // The session that loaded. It may be stale by now, and never names a newer session.
    courier_session session;
    // The load's number in that session.
    uint64_t load;
    // A blob, which the caller now owns and must release, or 0.
    courier_blob payload;
} courier_event;

// The answer of a provider.
typedef int32_t courier_decision;

// A provider's hold on one load.
typedef uint64_t courier_request;

// Offers a load to the host.
//
// `request` is the host's hold on the load. It is valid while the call runs, and longer if the answer is
// COURIER_DECISION_HANDLE. `url` is borrowed for the call. Any other number than the three decisions
// fails the load with COURIER_FAILURE_BAD_RESPONSE; the provider keeps nothing then, unless it has
// completed the request already. A request has been completed when courier_request_complete returned
// COURIER_OK, or refused a malformed response.
//
// Thread: a worker thread, several at once, or the owner thread inside courier_runtime_step. See
// CALLBACKS above.
typedef courier_decision (*courier_provider_fn)(void *user_data,
                                                courier_request request,
                                                struct courier_string_view url);

// A provider: a callback and its user_data.
typedef struct courier_provider {
    // sizeof(courier_provider) of the header that the host was compiled with.
    uint32_t size;
    // The callback; not NULL.
    courier_provider_fn provide;
    // Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    // the provider has been replaced or cleared or the runtime destroyed: when one of these calls has
    // returned COURIER_OK, no call runs any more and none comes later.
    void *user_data;
} courier_provider;

// The kind of content that a response carries.
typedef int32_t courier_response_kind;

// Bytes: `len` of them at `data`. With `len` 0, `data` may be anything.
typedef struct courier_bytes_view {
    // The first byte.
    const uint8_t *data;
    // The number of bytes.
    size_t len;
} courier_bytes_view;

// A provider's answer to a request.
typedef struct courier_response {
    // sizeof(courier_response) of the header that the host was compiled with.
    uint32_t size;
    // COURIER_RESPONSE_BYTES or COURIER_RESPONSE_ERROR.
    courier_response_kind kind;
    // The resource, which may be empty. Read with COURIER_RESPONSE_BYTES only.
    struct courier_bytes_view bytes;
    // The error text, which may be empty. Read with COURIER_RESPONSE_ERROR only.
    struct courier_string_view message;
} courier_response;

// Tells a provider that nobody wants its answer any more: the load was cancelled, its deadline passed, or
// its session was destroyed.
//
// Thread: the owner thread, inside courier_session_cancel, courier_session_destroy or
// courier_runtime_pump. See CALLBACKS above.
typedef void (*courier_cancel_fn)(void *user_data);

// A cancellation callback and its user_data.
typedef struct courier_cancel_callback {
    // sizeof(courier_cancel_callback) of the header that the host was compiled with.
    uint32_t size;
    // The callback; not NULL.
    courier_cancel_fn cancel;
    // Passed to the call. The library never looks into it. It must stay valid until
    // courier_request_clear_on_cancel or courier_request_release has returned, and until the end of a running
    // call that these do not wait for. A provider that does not keep the request, as with
    // COURIER_DECISION_PASS, clears its callback first.
    void *user_data;
} courier_cancel_callback;

// A signal that wakes a runtime's owner thread.
typedef uint64_t courier_wake_source;

// Tells the host that the owner should pump: work has come where there was none, or a pump left work
// behind. A call may come although a pump has done the work meanwhile.
//
// Thread: any, several at once. See CALLBACKS above.
typedef void (*courier_wake_fn)(void *user_data);

// A wake callback and its user_data, for hosts that pump from a loop of their own.
typedef struct courier_wake_callback {
    // sizeof(courier_wake_callback) of the header that the host was compiled with.
    uint32_t size;
    // The callback; not NULL.
    courier_wake_fn wake;
    // Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    // the callback has been replaced or cleared or the runtime destroyed: when one of these calls has
    // returned COURIER_OK, no call runs any more and none comes later.
    void *user_data;
} courier_wake_callback;

// The importance of a record: the lower the number, the more important.
typedef int32_t courier_log_level;

// Receives one record: a line of text without a line break, borrowed for the call.
//
// Thread: any, several at once. See CALLBACKS above. Records that come from calls inside the callback are
// not delivered.
typedef void (*courier_log_fn)(void *user_data,
                               courier_log_level level,
                               struct courier_string_view text);

// A log callback and its user_data.
typedef struct courier_log_callback {
    // sizeof(courier_log_callback) of the header that the host was compiled with.
    uint32_t size;
    // The least important level that is delivered.
    courier_log_level limit;
    // The callback; not NULL.
    courier_log_fn log;
    // Passed to every call. The library never looks into it. It must stay valid, for any thread, until
    // the callback has been replaced or cleared: when one of these calls has returned COURIER_OK, no
    // call runs any more and none comes later.
    void *user_data;
} courier_log_callback;

// Done.
#define COURIER_OK 0

// An argument or a handle is not acceptable.
#define COURIER_INVALID_ARGUMENT -1

// The arguments are acceptable, but the state of the object does not allow the call.
#define COURIER_INVALID_STATE -2

// The call belongs to the owner thread.
#define COURIER_WRONG_THREAD -3

// This runtime was not set up for the call.
#define COURIER_UNSUPPORTED -4

// The library itself, or the system below it, failed.
#define COURIER_NATIVE_ERROR -5

// Threads of the runtime's own.
#define COURIER_WORKERS_THREADS 1

// The owner thread, one load at a time, by courier_runtime_step.
#define COURIER_WORKERS_STEPPED 2

// A load completed; the payload is a blob with its bytes.
#define COURIER_EVENT_COMPLETED 1

// A load failed; the payload is a blob with a text in UTF-8.
#define COURIER_EVENT_FAILED 2

// A load was cancelled; there is no payload.
#define COURIER_EVENT_CANCELLED 3

// It did not fail.
#define COURIER_FAILURE_NONE 0

// The provider answered with an error.
#define COURIER_FAILURE_PROVIDER 1

// The provider released the request without completing it.
#define COURIER_FAILURE_DROPPED 2

// The provider's response or decision was malformed.
#define COURIER_FAILURE_BAD_RESPONSE 3

// Neither the provider nor the runtime serves such a URL.
#define COURIER_FAILURE_UNSUPPORTED 4

// There is no such file.
#define COURIER_FAILURE_NOT_FOUND 5

// The path leads out of the root directory, by itself or through a symbolic link.
#define COURIER_FAILURE_OUTSIDE_ROOT 6

// The system failed to read the file, or it is not a regular file.
#define COURIER_FAILURE_IO 7

// The library failed: no handle was left for the request, or for the payload, which is 0 then.
#define COURIER_FAILURE_INTERNAL 8

// The `data:` URL is malformed.
#define COURIER_FAILURE_MALFORMED 9

// The load's deadline passed.
#define COURIER_FAILURE_EXPIRED 10

// The provider leaves the load to the runtime, which serves or fails it. The provider keeps nothing and does
// not release the request, unless it has completed it already: that counts as COURIER_DECISION_HANDLE.
#define COURIER_DECISION_PASS 0

// The provider takes the load: it completes the request now, later, or on another thread, and releases it
// exactly once.
#define COURIER_DECISION_HANDLE 1

// The load fails with COURIER_FAILURE_PROVIDER. The provider keeps nothing, unless it has completed
// the request already, as with COURIER_DECISION_PASS. For a callback that fails by itself, such as with a
// panic in its language.
#define COURIER_DECISION_FAIL 2

// The resource's bytes.
#define COURIER_RESPONSE_BYTES 1

// An error text: the load fails with COURIER_FAILURE_PROVIDER.
#define COURIER_RESPONSE_ERROR 2

// A contained panic: a bug in a callback, or in the loader.
#define COURIER_LOG_ERROR 1

// A load failed.
#define COURIER_LOG_WARN 2

// A runtime came or went.
#define COURIER_LOG_INFO 3

// A load completed or was cancelled.
#define COURIER_LOG_DEBUG 4

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Returns the ABI version of the library. If it differs from the header's COURIER_ABI_VERSION, the two must
// not be used together. Any thread.
uint32_t courier_abi_version(void);

// Returns a number that changes whenever this header, or a size, an offset or a constant in it, changes: the
// FNV-1a hash (64 bits) of the layout text. With courier_layout.h a host computes the number of the header
// that it was compiled with, and refuses a library that returns another one. Any thread.
uint64_t courier_layout_fingerprint(void);

// Returns the reason why the calling thread's last status-returning call failed; empty if it succeeded. The
// text begins with a word in brackets, belongs to the library, and is valid until the thread's next
// status-returning call or its end. Functions that return nothing do not change it. Any thread: each has
// its own text.
struct courier_string_view courier_last_error(void);

// Fills `*options` with the defaults. `size` is the caller's sizeof(courier_runtime_options): a size
// below this library's minimum is refused with [bad-size]; of a larger struct only the part that this
// library knows is written. Any thread.
//
// Pointers:
// `options` is NULL or valid for writing `size` bytes.
courier_status courier_runtime_options_init(struct courier_runtime_options *options,
                                            uint32_t size);

// Creates a runtime and makes the calling thread its owner. Only the owner can destroy the runtime, and
// must do so before the thread ends. A thread that owns a live runtime is refused with [owner-has-runtime].
// `options` may be NULL for the defaults. A root directory that cannot be opened and listed is refused with
// [bad-root]. Refused with [inside-callback] from inside a callback. Any thread.
//
// Pointers:
// `options` is NULL or valid for reading as many bytes as its size field says, with a root as
// documented there. `runtime` is NULL or valid for reading and writing.
courier_status courier_runtime_create(const struct courier_runtime_options *options,
                                      courier_runtime *runtime);

// Destroys a runtime. Loads that no worker has begun are discarded; running ones, calls of the provider
// included, are waited for. Provider and wake callback are removed: when this returns COURIER_OK, no call
// of them runs any more and none comes later. Blobs, wake sources and requests outlive the runtime, and
// still have to be released. Refused with [live-children] while the runtime has sessions: the runtime is
// intact then, and the call can be repeated. Owner thread.
courier_status courier_runtime_destroy(courier_runtime runtime);

// Turns finished loads into events, at most `budget` of them but one at least, and writes to `*unread` the
// number of events that wait to be drained. Loads whose deadline has passed end here. When there is nothing to
// do, a positive `timeout_ms` waits at most that many milliseconds, a negative one without limit, and 0
// not at all. With unread events it never waits, and never beyond the next deadline. It may return early
// with nothing done. A signal of a wake source ends the wait and is cleared by the pump that returns. A
// pump that leaves work behind calls the wake callback, and the next pump does not wait. Owner thread.
//
// Pointers:
// `unread` is NULL or valid for writing.
courier_status courier_runtime_pump(courier_runtime runtime,
                                    int64_t timeout_ms,
                                    uint32_t budget,
                                    uint32_t *unread);

// Writes to `*timeout_ms` how long a host with a loop of its own may sleep before it pumps. 0: not at all,
// there is work or an unread event. Positive: so many milliseconds, until the next deadline. -1: without
// limit. The wake callback ends the sleep. Owner thread.
//
// Pointers:
// `timeout_ms` is NULL or valid for writing.
courier_status courier_runtime_next_timeout(courier_runtime runtime,
                                            int64_t *timeout_ms);

// Runs one load on the calling thread, the call of the provider included. Sets `*ran` to 1 if there was
// one, and else to 0. Refused with [not-stepped] if the runtime has worker threads. Owner thread.
//
// Pointers:
// `ran` is NULL or valid for writing.
courier_status courier_runtime_step(courier_runtime runtime,
                                    uint32_t *ran);

// Fills `*options` with the defaults. `size` is the caller's sizeof(courier_load_options): a size below
// this library's minimum is refused with [bad-size]; of a larger struct only the part that this library
// knows is written. Any thread.
//
// Pointers:
// `options` is NULL or valid for writing `size` bytes.
courier_status courier_load_options_init(struct courier_load_options *options,
                                         uint32_t size);

// Opens a session. Owner thread.
//
// Pointers:
// `session` is NULL or valid for reading and writing.
courier_status courier_session_create(courier_runtime runtime, courier_session *session);

// Ends a session: cancels its loads, discards its events, and detaches its buffer. Cancellation callbacks
// run inside; provider calls that are running go on, and are not waited for. Requests of its loads stay
// with the provider, which releases them. Owner thread.
courier_status courier_session_destroy(courier_session session);

// Starts a load and writes its number in the session, from 1. Unless the session is destroyed first,
// it ends in exactly one event. `url` is copied; text that is not a URL is refused with [bad-url].
// `options` may be NULL for the defaults. When the runtime has as many loads as it may, the call is
// refused with [queue-full]: drain events first. Owner thread.
//
// Pointers:
// `url` is valid as documented at courier_string_view. `options` is NULL or valid for reading as many
// bytes as its size field says. `load` is NULL or valid for writing.
courier_status courier_session_load(courier_session session,
                                    struct courier_string_view url,
                                    const struct courier_load_options *options,
                                    uint64_t *load);

// Cancels a load: it ends in a COURIER_EVENT_CANCELLED. Its cancellation callback runs inside; its request
// stays with the provider, which releases it. Refused with [unknown-load] if the session never issued the
// number, and with [load-ended] if the load ended before, drained or not. Owner thread.
courier_status courier_session_cancel(courier_session session,
                                      uint64_t load);

// Attaches a buffer of the host's. Until it is detached, the bytes of each of the session's loads are
// written to it when the load completes, from the beginning, before its event can be drained; what does
// not fit is left out. Refused with [buffer-attached] if there is one. Owner thread.
//
// The host keeps the memory where it is, and neither writes nor reads it, until
// courier_session_detach_buffer or courier_session_destroy has returned COURIER_OK: a thread of the
// library may be writing. courier_session_snapshot reads it meanwhile. A buffer of no bytes is fine and
// may carry any pointer.
//
// Pointers:
// `data` is NULL, or valid for writing `capacity` bytes from any thread until the detachment.
courier_status courier_session_attach_buffer(courier_session session,
                                             uint8_t *data,
                                             size_t capacity);

// Detaches the buffer, after a write that is under way: when it returns COURIER_OK, nothing is written
// any more, and the memory is the host's again. Refused with [no-buffer] if there is none. Owner thread.
courier_status courier_session_detach_buffer(courier_session session);

// Copies the bytes of the last completed load from the buffer into a new blob, which the caller releases. The
// blob is empty if no load completed since the buffer was attached. Refused with [no-buffer] if there is no
// buffer. Owner thread.
//
// Pointers:
// `blob` is NULL or valid for reading and writing.
courier_status courier_session_snapshot(courier_session session,
                                        courier_blob *blob);

// Sets the surface of loads that start later: the address of an object of the host's, such as a device or a
// window, that resources are loaded for. Providers read it with courier_request_surface. The library never
// follows it; NULL (the default) means none. Owner thread.
//
// Pointers:
// `surface` may be any pointer: it is not followed.
courier_status courier_session_set_surface(courier_session session,
                                           void *surface);

// Moves at most `capacity` events into `events`, oldest first, and writes their number to `*count`. `stride`
// is the caller's sizeof(courier_event): the distance between two events in memory. A stride that is
// below this library's, or not a multiple of the struct's alignment, is refused with [bad-size]; of a
// larger one only the part that this library knows is written. With `capacity` 0, `events` may be
// NULL. Owner thread.
//
// Pointers:
// `events` is NULL or valid for writing `capacity` times `stride` bytes, and aligned. `count` is NULL or
// valid for writing.
courier_status courier_runtime_drain_events(courier_runtime runtime,
                                            struct courier_event *events,
                                            uint32_t stride,
                                            uint32_t capacity,
                                            uint32_t *count);

// Copies a blob's bytes to `buffer` and writes their number to `*required`. With a NULL `buffer` and
// `capacity` 0 only the number is written. If `capacity` is too small the call is refused with
// [too-small]: `*required` is written, `buffer` is untouched. Any thread.
//
// Pointers:
// `buffer` is NULL or valid for writing `capacity` bytes. `required` is NULL or valid for writing.
courier_status courier_blob_copy(courier_blob blob,
                                 uint8_t *buffer,
                                 size_t capacity,
                                 size_t *required);

// Releases a blob. Null and released ones are ignored. Never blocks, cannot fail. Any thread.
void courier_blob_release(courier_blob blob);

// Installs a provider, or replaces the one there is. Returns when no call of the old provider runs any
// more; none comes later. Requests that it holds stay usable. When refused, the old provider stays.
// Owner thread.
//
// Pointers:
// `provider` is NULL or valid for reading as many bytes as its size field says; callback and user_data
// are good as documented there.
courier_status courier_runtime_set_provider(courier_runtime runtime,
                                            const struct courier_provider *provider);

// Removes the provider, and returns when no call of it runs any more; none comes later. Requests that it
// holds stay usable. Does nothing if there is none. Owner thread.
courier_status courier_runtime_clear_provider(courier_runtime runtime);

// Completes a request. Only the first completion ends the load. The response is copied. Any thread.
//
// Refused without effect: a NULL response or one whose size is too small; a completion after another
// ([completed]), after a cancel or the end of the session ([cancelled]), after the load's deadline
// ([expired]), or after a release on another thread ([stale], as for every released handle).
// A response with malformed contents (an unknown kind, a message that is not UTF-8, a NULL view with a
// length) is refused with COURIER_INVALID_ARGUMENT, but does complete the request: the load fails with
// COURIER_FAILURE_BAD_RESPONSE.
//
// Pointers:
// `response` is NULL or valid for reading as many bytes as its size field says, with views as
// documented at their types.
courier_status courier_request_complete(courier_request request,
                                        const struct courier_response *response);

// Sets `*cancelled` to 1 if the load was cancelled or its deadline has passed, so that a completion would
// be refused, and else to 0. Any thread.
//
// Pointers:
// `cancelled` is NULL or valid for writing.
courier_status courier_request_is_cancelled(courier_request request,
                                            uint32_t *cancelled);

// Registers a callback that is called, once, if the load is cancelled before the request is completed or
// released. If the load was cancelled before, `*cancelled` is set to 1, and the callback is not stored and
// never called; else it is set to 0.
// Refused with [callback-set] if the request has one, with [completed] after a completion, and with
// [stale] after a release on another thread. Any thread.
//
// Pointers:
// `callback` is NULL or valid for reading as many bytes as its size field says; cancel and user_data are
// good as documented there. `cancelled` is NULL or valid for writing.
courier_status courier_request_on_cancel(courier_request request,
                                         const struct courier_cancel_callback *callback,
                                         uint32_t *cancelled);

// Removes the cancellation callback, and returns when it does not run any more on another thread; it is not
// called later. It waits like courier_request_release. Does nothing if there is none. Any thread.
courier_status courier_request_clear_on_cancel(courier_request request);

// Writes the surface that the session had when the load was started; NULL for none. Any thread.
//
// Pointers:
// `surface` is NULL or valid for writing.
courier_status courier_request_surface(courier_request request, void **surface);

// Releases a request. First it waits for calls on the request that run on other threads, its cancellation
// callback included. It does not wait when it is called from inside that callback, nor where two
// cancellation callbacks would wait for each other because each releases the other's request. If the
// request was not completed, the load fails with COURIER_FAILURE_DROPPED. Null and released requests are
// ignored. Any thread.
void courier_request_release(courier_request request);

// Makes a wake source for the runtime, which the caller releases. It may outlive the runtime. Owner thread.
//
// Pointers:
// `source` is NULL or valid for reading and writing.
courier_status courier_runtime_wake_source(courier_runtime runtime,
                                           courier_wake_source *source);

// Ends the owner's current wait in courier_runtime_pump, or else its next one. Several signals before
// that pump count as one. The wake callback may run inside. After the runtime's end it does nothing. Any
// thread.
courier_status courier_wake_source_signal(courier_wake_source source);

// Releases a wake source, before or after its runtime's end. Null and released ones are ignored. Never
// blocks, cannot fail. Any thread.
void courier_wake_source_release(courier_wake_source source);

// Installs a runtime's wake callback, or replaces the one there is. Returns when no call of the old one
// runs any more; none comes later. If there is work already, the new one is called before this returns.
// When refused, the old one stays. Owner thread.
//
// Pointers:
// `callback` is NULL or valid for reading as many bytes as its size field says; wake and user_data are
// good as documented there.
courier_status courier_runtime_set_wake_callback(courier_runtime runtime,
                                                 const struct courier_wake_callback *callback);

// Removes the wake callback, and returns when no call of it runs any more; none comes later. Does nothing if
// there is none. Owner thread.
courier_status courier_runtime_clear_wake_callback(courier_runtime runtime);

// Installs the process's log callback, or replaces the one there is. Returns when no call of the old
// one runs any more; none comes later. When refused, the old one stays. Refused with [inside-callback]
// from inside a callback. Any thread.
//
// Pointers:
// `callback` is NULL or valid for reading as many bytes as its size field says; log and user_data are
// good as documented there.
courier_status courier_set_log_callback(const struct courier_log_callback *callback);

// Removes the log callback, and returns when no call of it runs any more; none comes later. Does nothing if
// there is none. Refused with [inside-callback] from inside a callback. Any thread.
courier_status courier_clear_log_callback(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* COURIER_H */
