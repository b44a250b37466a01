// Package note writes the lines by which a test tells cgolab what it checked, one fact a line:
//
//	cgolab: contract=REQ-04 checks=123    the contract was checked that often
//	cgolab: broken=REQ-04                 this contract does not hold
//	cgolab: executions=512                cases, inputs or schedules that ran
//	cgolab: model=complete bound=2        every schedule with so many preemptions was explored
//	cgolab: model=cut-off bound=none      the search ended early, and found nothing until then
//	cgolab: model=sampled seed=1          random schedules ran, as many as were asked for
//	cgolab: skipped=no clang on PATH      the test did nothing, for this reason
//	cgolab: scenario=--through c 0100     the failing scenario, as the replayer takes it
//
// A test logs its notes:
//
//	note.Log(t, note.Checked("REQ-04", 123))
//
// Contracts in the name of a test (TestREQ04…) need no note. Test binaries that are not Go's write the same lines
// with the Rust crate cgolab-note; both are tested against testdata/lines.txt.
package note

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Note is a fact that a test tells about itself.
type Note struct{ text string }

// String returns the line, without a line break.
func (n Note) String() string { return "cgolab: " + n.text }

// Log writes notes to the log of a test.
func Log(t testing.TB, notes ...Note) {
	t.Helper()
	for _, n := range notes {
		t.Log(n)
	}
}

// Checked notes that a contract was checked so often. It panics if contract is not one word.
func Checked(contract string, checks uint64) Note {
	return Note{fmt.Sprintf("contract=%s checks=%d", id(contract), checks)}
}

// Broken notes that a contract does not hold. It panics if contract is not one word.
func Broken(contract string) Note { return Note{"broken=" + id(contract)} }

// Executions notes the number of cases, inputs or schedules that ran. Several notes of one test add up.
func Executions(count uint64) Note { return Note{"executions=" + strconv.FormatUint(count, 10)} }

// Skipped notes that the test did nothing, and why. A Go test calls t.Skip instead; this is for what it runs.
func Skipped(why string) Note { return Note{"skipped=" + line(why)} }

// Scenario notes the failing scenario. The last one of a test counts: shrinking comes last.
func Scenario(scenario string) Note { return Note{"scenario=" + line(scenario)} }

// Unbounded is the bound of a search in which a schedule may have any number of preemptions.
const Unbounded = -1

// Complete notes that every schedule was explored which has at most bound preemptions.
func Complete(bound int) Note { return Note{"model=complete bound=" + limit(bound)} }

// CutOff notes that a search ended early, and found nothing until then.
func CutOff(bound int) Note { return Note{"model=cut-off bound=" + limit(bound)} }

// Sampled notes that random schedules ran, as many as were asked for.
func Sampled(seed uint64) Note { return Note{"model=sampled seed=" + strconv.FormatUint(seed, 10)} }

func limit(bound int) string {
	if bound == Unbounded {
		return "none"
	}
	if bound < 0 {
		panic(fmt.Sprintf("note: %d is no bound: it is a number of preemptions, or Unbounded", bound))
	}
	return strconv.Itoa(bound)
}

func id(contract string) string {
	if words := strings.Fields(contract); len(words) != 1 || words[0] != contract {
		panic(fmt.Sprintf("note: %q is no contract's id: it takes one word", contract))
	}
	return contract
}

// line returns the words of a text with one space between them: a line break would end the note.
func line(text string) string { return strings.Join(strings.Fields(text), " ") }
