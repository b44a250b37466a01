// Signals of native code in a program that holds Go and no AddressSanitizer.
//
// Go takes these signals before libFuzzer does. One that comes from native code it hands to the handler that it
// found, and without any it ends the process in a way that libFuzzer does not see. This handler is there before Go's
// runtime starts, by the priority of its constructor, and aborts: libFuzzer sees that, and writes the artifact.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Prints text. A handler may not call printf.
static void say(const char *text) {
  ssize_t written = write(STDERR_FILENO, text, strlen(text));
  (void)written;
}

static void on_signal(int number) {
  say(number == SIGSEGV  ? "SIGSEGV"
      : number == SIGBUS ? "SIGBUS"
      : number == SIGFPE ? "SIGFPE"
                         : "SIGILL");
  say(" in native code; --sanitizer address says where\n");
  abort();
}

__attribute__((constructor(101))) static void cgolab_fuzz_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  struct sigaction action = {0};
  action.sa_handler = on_signal;
  // Threads of Go have a stack for signals, and goroutines too little room on theirs.
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    sigaction(numbers[i], &action, NULL);
  }
}
