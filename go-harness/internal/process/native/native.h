#ifndef NATIVE_H
#define NATIVE_H

#include <stddef.h>
#include <stdint.h>

struct native_action {
	uintptr_t handler;
	int flags;
	uint64_t mask;
};

struct native_stack {
	uintptr_t address;
	size_t size;
	int flags;
};

long native_on_thread(size_t stack, uintptr_t handle);
void native_at_thread_end(void);
int native_ended_threads(void);
size_t native_stack_size(void);
int native_thread_id(void);
int native_action(int signal, struct native_action *action);
void native_alt_stack(struct native_stack *stack);
int native_send_to_thread(int thread, int signal);
void native_upcall(void);
void native_say_at_exit(void);

#endif
