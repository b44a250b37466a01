// Laid over package testing/internal/testdeps by cgolab fuzz: what must be C between libFuzzer and Go. It keeps
// the running input where it outlives the process, and lets one dying thread finish.
#define _GNU_SOURCE
#include "zz_cgolab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Go's glue; not counted, and not checked by AddressSanitizer.
#define GLUE __attribute__((no_sanitize("address", "coverage", "undefined")))

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

// A report that Go's own code or a thread of C has caused has no goroutine in a call of C: the call must be in
// the first stack, and not in that of an allocation.
GLUE static void on_report(const char *report) {
	const char *call = strstr(report, "runtime.asmcgocall"), *end = strstr(report, "\n\n");
	if (call && (!end || call < end)) cgolabStack();
}

GLUE void cgolab_begin(void) {
	if (__asan_set_error_report_callback) __asan_set_error_report_callback(on_report);
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

GLUE int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	one_thread_aborts();
	if (running && size <= sizeof running->data) {
		memcpy(running->data, data, size);
		running->length_and_one = size + 1;
	}
	if (cgolabInput(data, size)) abort();
	if (running) running->length_and_one = 0;
	return 0;
}
