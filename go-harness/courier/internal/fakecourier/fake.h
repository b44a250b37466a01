#ifndef FAKE_H
#define FAKE_H

#include "courier.h"

void fake_reset(void);
void fake_pretend(uint32_t version, uint64_t fingerprint);
void fake_return(const char *function, int skip, courier_status status, const char *message);
int fake_calls(const char *function);
void fake_queue(courier_session session, courier_event_kind kind, courier_failure failure,
                const char *payload, size_t length);
void fake_give(const char *function, int skip, uint64_t value);
void fake_next_kind(courier_event_kind kind, courier_failure failure);
courier_session fake_last_session(void);
void fake_keep(void);
void fake_lend(uintptr_t data, size_t len);
uint64_t fake_installed(int wake);
courier_decision fake_offer(uint64_t token, courier_request request, const char *url);
courier_decision fake_offer_view(uint64_t token, courier_request request, uintptr_t data, size_t len);
void fake_log(int32_t level, uintptr_t data, size_t len);
void fake_wake(uint64_t token);

#endif
