#include <stddef.h>

void native_branch(const unsigned char *data, size_t size);
void native_compare(const unsigned char *data, size_t size);
int over_read(const unsigned char *data, size_t size);
void unset(void);
