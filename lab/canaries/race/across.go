//go:build canary

package race

/*
static int turn;

static void set(int value) { __atomic_store_n(&turn, value, __ATOMIC_RELAXED); }
static int get(void) { return __atomic_load_n(&turn, __ATOMIC_RELAXED); }
*/
import "C"

// setTurn and turn tell the order of two goroutines to each other through C. Relaxed accesses order nothing
// else: what the goroutines do to Go memory is a race, whoever is first.
func setTurn(value int) { C.set(C.int(value)) }

func turn() int { return int(C.get()) }
