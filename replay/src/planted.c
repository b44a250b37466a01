#include <stdlib.h>

/* Reads freed memory: the mistake that valgrind must see. */
int main(void) {
    volatile char *freed = malloc(1);
    free((void *)freed);
    if (*freed == 1) return 1;
    return 0;
}
