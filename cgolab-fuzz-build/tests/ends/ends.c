#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

static volatile int *volatile nowhere;
static volatile int zero, quotient;

static void *touch(void *unused) {
  *nowhere = 1;
  return unused;
}

// Ends if a handler runs on the stack that it interrupts.
static void look_at_handlers(void) {
  for (int number = 1; number < SIGRTMIN; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) || action.sa_flags & SA_ONSTACK) continue;
    if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) abort();
  }
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
  case 'h':
    look_at_handlers();
    break;
  case 'i':
    __builtin_trap();
  // A branch that only counters of C tell from none.
  case 'z':
    quotient = 1;
  }
  return 0;
}
