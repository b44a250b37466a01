// Generated from the Rust source by `cargo lab header`; do not edit.
//
// The text behind courier_layout_fingerprint, for hosts that compute it from their own header: expand
// COURIER_LAYOUT with three macros of yours and print, in this order,
//   abi <COURIER_ABI_VERSION>
//   header <COURIER_HEADER_HASH, 16 hexadecimal digits>
//   struct <name> <sizeof> <alignof>
//   field <struct>.<field> <offsetof> <sizeof>
//   const <name> <value>
// each line ended by a newline; then hash the text with FNV-1a, 64 bits.

#ifndef COURIER_LAYOUT_H
#define COURIER_LAYOUT_H

// The FNV-1a hash of courier.h.
#define COURIER_HEADER_HASH UINT64_C(0xce8d5ed4efc7e04c)

#define COURIER_LAYOUT(STRUCT, FIELD, CONST) \
    STRUCT(courier_string_view) \
    FIELD(courier_string_view, data) \
    FIELD(courier_string_view, len) \
    STRUCT(courier_bytes_view) \
    FIELD(courier_bytes_view, data) \
    FIELD(courier_bytes_view, len) \
    STRUCT(courier_runtime_options) \
    FIELD(courier_runtime_options, size) \
    FIELD(courier_runtime_options, workers) \
    FIELD(courier_runtime_options, worker_threads) \
    FIELD(courier_runtime_options, max_loads) \
    FIELD(courier_runtime_options, root) \
    STRUCT(courier_load_options) \
    FIELD(courier_load_options, size) \
    FIELD(courier_load_options, has_deadline) \
    FIELD(courier_load_options, deadline_ms) \
    STRUCT(courier_event) \
    FIELD(courier_event, kind) \
    FIELD(courier_event, failure) \
    FIELD(courier_event, session) \
    FIELD(courier_event, load) \
    FIELD(courier_event, payload) \
    STRUCT(courier_provider) \
    FIELD(courier_provider, size) \
    FIELD(courier_provider, provide) \
    FIELD(courier_provider, user_data) \
    STRUCT(courier_cancel_callback) \
    FIELD(courier_cancel_callback, size) \
    FIELD(courier_cancel_callback, cancel) \
    FIELD(courier_cancel_callback, user_data) \
    STRUCT(courier_wake_callback) \
    FIELD(courier_wake_callback, size) \
    FIELD(courier_wake_callback, wake) \
    FIELD(courier_wake_callback, user_data) \
    STRUCT(courier_log_callback) \
    FIELD(courier_log_callback, size) \
    FIELD(courier_log_callback, limit) \
    FIELD(courier_log_callback, log) \
    FIELD(courier_log_callback, user_data) \
    STRUCT(courier_response) \
    FIELD(courier_response, size) \
    FIELD(courier_response, kind) \
    FIELD(courier_response, bytes) \
    FIELD(courier_response, message) \
    CONST(COURIER_OK) \
    CONST(COURIER_INVALID_ARGUMENT) \
    CONST(COURIER_INVALID_STATE) \
    CONST(COURIER_WRONG_THREAD) \
    CONST(COURIER_UNSUPPORTED) \
    CONST(COURIER_NATIVE_ERROR) \
    CONST(COURIER_WORKERS_THREADS) \
    CONST(COURIER_WORKERS_STEPPED) \
    CONST(COURIER_EVENT_COMPLETED) \
    CONST(COURIER_EVENT_FAILED) \
    CONST(COURIER_EVENT_CANCELLED) \
    CONST(COURIER_FAILURE_NONE) \
    CONST(COURIER_FAILURE_PROVIDER) \
    CONST(COURIER_FAILURE_DROPPED) \
    CONST(COURIER_FAILURE_BAD_RESPONSE) \
    CONST(COURIER_FAILURE_UNSUPPORTED) \
    CONST(COURIER_FAILURE_NOT_FOUND) \
    CONST(COURIER_FAILURE_OUTSIDE_ROOT) \
    CONST(COURIER_FAILURE_IO) \
    CONST(COURIER_FAILURE_INTERNAL) \
    CONST(COURIER_FAILURE_MALFORMED) \
    CONST(COURIER_FAILURE_EXPIRED) \
    CONST(COURIER_DECISION_PASS) \
    CONST(COURIER_DECISION_HANDLE) \
    CONST(COURIER_DECISION_FAIL) \
    CONST(COURIER_RESPONSE_BYTES) \
    CONST(COURIER_RESPONSE_ERROR) \
    CONST(COURIER_LOG_ERROR) \
    CONST(COURIER_LOG_WARN) \
    CONST(COURIER_LOG_INFO) \
    CONST(COURIER_LOG_DEBUG)

#endif // COURIER_LAYOUT_H
