// Laid over package testing/internal/testdeps by cgolab fuzz: what must be C between libFuzzer and Go. It keeps
// the running input where it outlives the process, and lets one dying thread finish.
#define _GNU_SOURCE
#include "zz_cgolab.h"

#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

// Go's glue; not counted, and not checked by a sanitizer.
#define GLUE __attribute__((no_sanitize("address", "memory", "coverage", "undefined")))

extern int cgolabInput(const uint8_t *data, size_t size);
extern void cgolabStack(void);
extern void __asan_set_error_report_callback(void (*callback)(const char *report)) __attribute__((weak));

// The link of a target defines it; the test program may be linked without one.
__attribute__((weak)) const char cgolab_target_name[] = "";

GLUE const char *cgolab_target(void) { return cgolab_target_name; }

// The running input in a file: os.Exit is a system call that libFuzzer does not see. The length is 0 between
// inputs, and one more than that of the input while it runs.
static struct {
	uint64_t length_and_one;
	uint8_t data[1 << 20];
} *running;

GLUE static void keep_running_input(const char *path) {
	int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (file < 0) return;
	if (ftruncate(file, sizeof *running) == 0) {
		void *mapped = mmap(NULL, sizeof *running, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (mapped != MAP_FAILED) running = mapped;
	}
	close(file);
}

// Registrations of counters, and of their places in code. The link has those of the program come here.
extern void __real___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
extern void __real___sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);
// The linker defines them: where the program begins and ends, and the counters of C in it.
extern uint8_t __executable_start[] __attribute__((visibility("hidden")));
extern uint8_t _end[] __attribute__((visibility("hidden")));
extern uint8_t __start___sancov_cntrs[] __attribute__((weak, visibility("hidden")));

// Set if libFuzzer sees the counters that this thread has registered last. Their places come at once.
static _Thread_local int seen;

// A turn for one side has libFuzzer see the counters of that side alone: a branch of Go behind much C is lost among
// the many inputs that reach something new in C, and one of C behind much Go likewise.
GLUE void __wrap___sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop) {
	const char *only = getenv("CGOLAB_FUZZ_COUNTERS");
	int of_go = start != __start___sancov_cntrs && start >= __executable_start && start < _end;
	const char *other = of_go ? "c" : "go";
	seen = !only || strcmp(only, other);
	if (seen) __real___sanitizer_cov_8bit_counters_init(start, stop);
}

GLUE void __wrap___sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop) {
	if (seen) __real___sanitizer_cov_pcs_init(start, stop);
}

// A report that Go's own code or a thread of C has caused has no goroutine in a call of C: the call must be in
// the first stack, and not in that of an allocation.
GLUE static void on_report(const char *report) {
	const char *call = strstr(report, "runtime.asmcgocall"), *end = strstr(report, "\n\n");
	if (call && (!end || call < end)) cgolabStack();
}

// The file of the program itself, which has no name among those that are loaded.
static char program[4096];

GLUE void cgolab_begin(void) {
	if (__asan_set_error_report_callback) __asan_set_error_report_callback(on_report);
	if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) strcpy(program, "?");
	const char *path = getenv("CGOLAB_FUZZ_RUNNING");
	if (path) keep_running_input(path);
}

// libFuzzer's handler of SIGABRT writes the input and ends the process. While it does, a second thread that
// aborts would find no handler, and end the process before the input is written: it waits instead.
static struct sigaction of_libfuzzer;
static atomic_int aborting;

GLUE static void on_abort(int number, siginfo_t *info, void *context) {
	if (atomic_exchange(&aborting, 1))
		for (;;) pause();
	if (of_libfuzzer.sa_flags & SA_SIGINFO)
		of_libfuzzer.sa_sigaction(number, info, context);
	else if (of_libfuzzer.sa_handler != SIG_DFL && of_libfuzzer.sa_handler != SIG_IGN)
		of_libfuzzer.sa_handler(number);
	_exit(77);
}

// Frames of a stack that are printed, as many as clang's runtimes print.
enum { FRAMES = 256 };

// An address that is looked for, and the loaded file that has it.
typedef struct {
	uintptr_t address;
	const char *file;
	uintptr_t offset;
} Address;

GLUE static int has_address(struct dl_phdr_info *loaded, size_t size, void *wanted) {
	(void)size;
	Address *it = wanted;
	for (int i = 0; i < loaded->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &loaded->dlpi_phdr[i];
		uintptr_t start = loaded->dlpi_addr + part->p_vaddr;
		if (part->p_type != PT_LOAD || it->address < start || it->address - start >= part->p_memsz) continue;
		it->offset = it->address - loaded->dlpi_addr;
		it->file = *loaded->dlpi_name ? loaded->dlpi_name : program;
		return 1;
	}
	return 0;
}

GLUE static _Unwind_Reason_Code print_frame(struct _Unwind_Context *context, void *number) {
	int at_it = 0;
	Address it = {.address = _Unwind_GetIPInfo(context, &at_it)};
	if (!it.address) return _URC_END_OF_STACK;
	// A call is in front of the address to which it returns.
	if (!at_it) it.address--;
	// Not on the stack, which is that of a signal.
	static char line[sizeof program + 100];
	int frame = (*(int *)number)++;
	int length =
	    dl_iterate_phdr(has_address, &it)
	        ? snprintf(line, sizeof line, "    #%d 0x%" PRIxPTR "  (%s+0x%" PRIxPTR ")\n", frame, it.address, it.file, it.offset)
	        : snprintf(line, sizeof line, "    #%d 0x%" PRIxPTR "\n", frame, it.address);
	if (length >= (int)sizeof line) length = sizeof line - 1;
	int written = write(STDERR_FILENO, line, length) == length;
	return written && frame + 1 < FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

// libFuzzer's call of __sanitizer_print_stack_trace where that is the race detector's, which knows Go only. The
// link has it come here. The lines are those of clang's runtimes without names: cgolab adds them. Like theirs, it
// takes the lock of the loader: an abort under that lock is not told.
GLUE void __wrap___sanitizer_print_stack_trace(void) {
	int number = 0;
	_Unwind_Backtrace(print_frame, &number);
}

// libFuzzer has set its handlers by the first input.
GLUE static void one_thread_aborts(void) {
	static int done;
	if (done) return;
	done = 1;
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_sigaction = on_abort;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	sigaction(SIGABRT, &action, &of_libfuzzer);
}

// libFuzzer's handlers would run on the stack of whoever is interrupted, SIGALRM's every few seconds. That of a
// goroutine is too small: what lies below it would be overwritten.
GLUE static void handlers_have_a_stack(void) {
	static int done;
	if (done) return;
	done = 1;
	for (int number = 1; number < SIGRTMIN; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) || action.sa_flags & SA_ONSTACK) continue;
		if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
		action.sa_flags |= SA_ONSTACK;
		sigaction(number, &action, NULL);
	}
}

GLUE int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	one_thread_aborts();
	handlers_have_a_stack();
	if (running && size <= sizeof running->data) {
		memcpy(running->data, data, size);
		running->length_and_one = size + 1;
	}
	if (cgolabInput(data, size)) abort();
	if (running) running->length_and_one = 0;
	return 0;
}
