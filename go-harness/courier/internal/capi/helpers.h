#ifndef CAPI_HELPERS_H
#define CAPI_HELPERS_H

#include "courier.h"

/*
 * What a call returns: its status, and on success its value. C returns both by value, so that no Go
 * memory is handed over to be written to, and nothing escapes to the heap for a call.
 */
typedef struct capi_result {
  courier_status status;
  uint64_t value;
} capi_result;

static inline courier_string_view capi_text(const char *data, size_t len) {
  courier_string_view view = {data, len};
  return view;
}

/*
 * An empty view may carry any pointer. Go must not see such a pointer: its runtime checks the ones on
 * a stack when it moves that stack, and stops the program over one that cannot be.
 */
static inline const char *capi_data(courier_string_view view) {
  return view.len > 0 ? view.data : 0;
}

/*
 * Which handles the calling thread is inside a call of, innermost first. A call that can lead to a
 * callback is noted here, so that a Close inside the callback can see that it would wait for itself.
 */
struct capi_use {
  uint64_t id;
  const struct capi_use *outer;
};

void capi_begin_use(struct capi_use *use, uint64_t id);
void capi_end_use(const struct capi_use *use);
int capi_in_use(uint64_t id);

/*
 * A number that the calling thread was given; 0 if none. Inside a callback it is CAPI_INSIDE, which no
 * thread is given.
 */
#define CAPI_INSIDE UINT64_MAX
uint64_t capi_owner(void);
void capi_set_owner(uint64_t id);

#endif
