/* A tally counts up to a limit. Any thread may call any function. */
#ifndef TALLY_H
#define TALLY_H

#include <stdint.h>

enum { TALLY_OK = 0, TALLY_UNKNOWN = 1, TALLY_FULL = 2 };

/* Called with each number that is counted, on the thread that adds. It may call the library. */
typedef void (*tally_each)(uint64_t count, void *user_data);

/* Makes a tally that counts from 0 up to the limit. Ids are never 0, and never used again. */
uint64_t tally_new(uint64_t limit);

/* Counts n more, or nothing if that is more than the limit (TALLY_FULL). Calls `each`, unless it is
 * null, n times before it returns; user_data is not kept. */
int tally_add(uint64_t id, uint64_t n, tally_each each, void *user_data);

/* Writes the count. */
int tally_read(uint64_t id, uint64_t *count);

/* Ends the tally; its id is unknown from now on. */
int tally_free(uint64_t id);

/* Returns the message of the last call that failed on this thread; static, "" if none has. */
const char *tally_message(void);

#endif
