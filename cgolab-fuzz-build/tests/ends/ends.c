#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

static volatile int *volatile nowhere;
static volatile int zero, quotient;

static void *touch(void *unused) {
  *nowhere = 1;
  return unused;
}

int in_c(uint8_t way) {
  pthread_t thread;
  switch (way) {
  case 'a':
    abort();
  case 's':
    *nowhere = 1;
    break;
  case 'T':
    pthread_create(&thread, NULL, touch, NULL);
    pthread_join(thread, NULL);
    break;
  case 'f':
    quotient = 100 / zero;
    break;
  case 'i':
    __builtin_trap();
  // A branch that only counters of C tell from none.
  case 'z':
    quotient = 1;
  }
  return 0;
}
