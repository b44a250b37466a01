//go:build courier_oracle

package lifecycle

/*
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef char *(*courier_step)(const char *line);

void courier_oracle_begin(void);
char *courier_oracle_setup(void);
void courier_oracle_end(void);
char *courier_oracle_run(const uint8_t *input, size_t length, courier_step step);
void courier_oracle_count(const char *const *contracts, size_t length);
char *courier_oracle_left(void);

extern char *courierStep(char *line);

static char *run(const uint8_t *input, size_t length) {
	return courier_oracle_run(input, length, (courier_step)courierStep);
}
*/
import "C"

import (
	"unsafe"

	"github.com/cgolab/cgolab/go-harness/internal/scenario"
)

// begin has the process print at its end what was checked, if it is asked for. It comes once, first.
func begin() { C.courier_oracle_begin() }

// setup makes the files that scenarios load, and returns the setup of players that the oracle drives, in JSON.
func setup() []byte {
	text := C.courier_oracle_setup()
	defer C.free(unsafe.Pointer(text))
	return []byte(C.GoString(text))
}

// removeFiles removes the files of setup.
func removeFiles() { C.courier_oracle_end() }

// current carries out the steps of the scenario that runs.
var current *scenario.Player

// run plays the scenario that these bytes are, and returns the report of what is not as the model says, or nothing.
func run(player *scenario.Player, input []byte) (report string) {
	player.Restart()
	current = player
	text := C.run((*C.uint8_t)(unsafe.SliceData(input)), C.size_t(len(input)))
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}

//export courierStep
func courierStep(line *C.char) *C.char {
	answer, err := current.Step(C.GoString(line))
	if err != nil {
		// The oracle takes it for no answer, and tells it.
		return C.CString(err.Error())
	}
	return C.CString(string(answer))
}

// A ledger is the contracts that one input has put to the test.
type ledger []*C.char

// ids has the names of contracts in memory of C, for as long as the process lives.
var ids = map[string]*C.char{}

// check notes that an input has put a contract to the test.
func (l *ledger) check(contract string) {
	if ids[contract] == nil {
		ids[contract] = C.CString(contract)
	}
	*l = append(*l, ids[contract])
}

// count tells the oracle, which prints the sums when the process ends.
func (l ledger) count() {
	C.courier_oracle_count((**C.char)(unsafe.Pointer(unsafe.SliceData(l))), C.size_t(len(l)))
}

// left is the report of what the library still has alive, with the contract that is broken, or nothing.
func left() string {
	text := C.courier_oracle_left()
	defer C.free(unsafe.Pointer(text))
	return C.GoString(text)
}

// A loan is bytes in memory of C, which is gone after the call that they were lent to.
type loan struct {
	memory unsafe.Pointer
	length int
}

// lend copies bytes.
func lend(content string) loan {
	l := loan{C.malloc(C.size_t(len(content) + 1)), len(content)}
	copy(unsafe.Slice((*byte)(l.memory), l.length), content)
	return l
}

// text is the bytes as a string, and bytes as a slice. Both are of no use after the end.
func (l loan) text() string  { return unsafe.String((*byte)(l.memory), l.length) }
func (l loan) bytes() []byte { return unsafe.Slice((*byte)(l.memory), l.length) }

// end writes over the bytes and frees the memory, so that whoever has kept it reads nonsense, and is seen by
// AddressSanitizer.
func (l loan) end() {
	C.memset(l.memory, 0xaa, C.size_t(l.length+1))
	C.free(l.memory)
}
