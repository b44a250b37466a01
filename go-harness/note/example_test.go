package note_test

import (
	"fmt"

	"github.com/cgolab/cgolab/go-harness/note"
)

func ExampleChecked() {
	fmt.Println(note.Checked("REQ-04", 123))
	// Output: cgolab: contract=REQ-04 checks=123
}

// A search that ended early says so: it is shown as a pass that was cut off.
func ExampleCutOff() {
	fmt.Println(note.Executions(70000))
	fmt.Println(note.CutOff(note.Unbounded))
	// Output:
	// cgolab: executions=70000
	// cgolab: model=cut-off bound=none
}
