// Signal handlers in a program that holds Go: each runs on the stack that its thread has for signals.
//
// libFuzzer's do not ask for that, and its alarm comes every few seconds. An input runs on the stack of a goroutine
// while it is in Go, and what lies below that would be overwritten. The linker has all calls of sigaction come here.
#include <signal.h>
#include <stddef.h>

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before) {
  struct sigaction with_stack;
  if (action != NULL && action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN) {
    with_stack = *action;
    with_stack.sa_flags |= SA_ONSTACK;
    action = &with_stack;
  }
  return __real_sigaction(number, action, before);
}
