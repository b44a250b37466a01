//go:build linux && !asan

#include "heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

// glibc lets a program define malloc and the rest, and keeps its own under these names.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static atomic_long blocks, bytes;

static void *taken(void *block) {
  if (block) {
    atomic_fetch_add(&blocks, 1);
    atomic_fetch_add(&bytes, (long)malloc_usable_size(block));
  }
  return block;
}

static void given(void *block) {
  if (block) {
    atomic_fetch_sub(&blocks, 1);
    atomic_fetch_sub(&bytes, (long)malloc_usable_size(block));
  }
}

void *malloc(size_t size) { return taken(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return taken(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return taken(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
  void *found = memalign(alignment, size);
  if (!found) return ENOMEM;
  *block = found;
  return 0;
}

void free(void *block) {
  given(block);
  __libc_free(block);
}

void *realloc(void *block, size_t size) {
  long before = block ? (long)malloc_usable_size(block) : 0;
  void *moved = __libc_realloc(block, size);
  if (!moved && size > 0) return NULL; // nothing has changed
  if (block) {
    atomic_fetch_sub(&blocks, 1);
    atomic_fetch_sub(&bytes, before);
  }
  return taken(moved);
}

struct heap_counts heap_now(void) {
  struct heap_counts now = {atomic_load(&blocks), atomic_load(&bytes)};
  return now;
}
