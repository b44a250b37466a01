//go:build linux

#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "_cgo_export.h"

// Fills an unused stack, so that what a thread has touched can be told from what it has not.
#define UNUSED 0xa5

static void *run(void *handle) {
  nativeGoRun((uintptr_t)handle);
  return NULL;
}

// The stack is our own memory, between two pages that nobody may touch: an overflow ends the process.
// Returns the bytes used, or an error below 0.
long native_on_thread(size_t stack, uintptr_t handle) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char *memory =
      mmap(NULL, stack + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  unsigned char *low = memory + page;
  if (mprotect(low, stack, PROT_READ | PROT_WRITE) != 0) return -errno;
  memset(low, UNUSED, stack);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int error = pthread_attr_setstack(&attributes, low, stack);
  pthread_t thread;
  if (error == 0) error = pthread_create(&thread, &attributes, run, (void *)handle);
  pthread_attr_destroy(&attributes);
  if (error != 0) return -error;
  pthread_join(thread, NULL);
  size_t unused = 0;
  while (unused < stack && low[unused] == UNUSED) unused++;
  munmap(memory, stack + 2 * page);
  return (long)(stack - unused);
}

// Two functions of the library that a thread may call at any time. Weak: this package does not link it.
extern int32_t courier_wake_source_signal(uint64_t source) __attribute__((weak));
extern void courier_blob_release(uint64_t blob) __attribute__((weak));

static atomic_int ended_threads;
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

// Keys are destroyed after thread_local objects, in rounds; this one is for the last round.
static void at_thread_end(void *round) {
  if ((intptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(thread_end, (void *)((intptr_t)round + 1));
  } else {
    atomic_fetch_add(&ended_threads, 1);
  }
  courier_wake_source_signal(0); // refused, with a message that has nowhere to go
  courier_blob_release(0);
}

static void make_key(void) { pthread_key_create(&thread_end, at_thread_end); }

void native_at_thread_end(void) {
  pthread_once(&thread_end_once, make_key);
  pthread_setspecific(thread_end, (void *)1);
}

int native_ended_threads(void) { return atomic_load(&ended_threads); }

size_t native_stack_size(void) {
  pthread_attr_t attributes;
  size_t size = 0;
  void *low;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  return size;
}

int native_thread_id(void) { return (int)syscall(SYS_gettid); }

int native_action(int signal, struct native_action *action) {
  struct sigaction found;
  if (sigaction(signal, NULL, &found) != 0) return -1;
  action->handler = (uintptr_t)found.sa_sigaction;
  action->flags = found.sa_flags;
  memcpy(&action->mask, &found.sa_mask, sizeof action->mask);
  return 0;
}

void native_alt_stack(struct native_stack *stack) {
  stack_t found;
  sigaltstack(NULL, &found);
  stack->address = (uintptr_t)found.ss_sp;
  stack->size = found.ss_size;
  stack->flags = found.ss_flags;
}

int native_send_to_thread(int thread, int signal) {
  return (int)syscall(SYS_tgkill, getpid(), thread, signal);
}

static atomic_int upcalls;
static int upcalls_before = -1; // until asked for

void native_upcall(void) { atomic_fetch_add(&upcalls, 1); }

static void say(void) {
  if (upcalls_before < 0) return;
  fprintf(stderr, "upcalls after main returned: %d\n", atomic_load(&upcalls) - upcalls_before);
}

// The handler that was registered first runs last.
__attribute__((constructor)) static void register_say(void) { atexit(say); }

void native_say_at_exit(void) { upcalls_before = atomic_load(&upcalls); }
