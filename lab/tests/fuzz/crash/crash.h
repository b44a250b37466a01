#include <stddef.h>

void c_segv(void);
void c_segv_on_a_thread(void);
void c_abort(void);
void c_exit(void);
void c_loop(void);
int c_divide(int by);
int c_use_after_free(void);
int c_read(const unsigned char *data, size_t at);
void c_leak(void);
void c_count_handlers(int *on_any_stack, int *on_their_own);
void c_calls_back(void);
