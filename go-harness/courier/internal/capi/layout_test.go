//go:build !race && !asan && !goexperiment.cgocheck2

package capi

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goLayoutText is the layout text in Go's view.
func goLayoutText() string {
	var text strings.Builder
	text.WriteString(identityLines())
	for _, row := range goLayout {
		text.WriteString(row.name)
		for _, number := range row.numbers {
			fmt.Fprintf(&text, " %d", number)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// Go's view of each size, offset and constant is the C compiler's, and that is the library's. With -v
// it prints Go's view, for comparison with other languages.
func TestABI03GoLayout(t *testing.T) {
	goText, cText := goLayoutText(), layoutText()
	if testing.Verbose() {
		for _, line := range strings.Split(strings.TrimSpace(goText), "\n") {
			fmt.Println("layout: " + line)
		}
	}
	goLines, cLines := strings.Split(goText, "\n"), strings.Split(cText, "\n")
	for i := 0; i < len(goLines) || i < len(cLines); i++ {
		var goLine, cLine string
		if i < len(goLines) {
			goLine = goLines[i]
		}
		if i < len(cLines) {
			cLine = cLines[i]
		}
		if goLine != cLine {
			t.Errorf("line %d: Go has %q, C has %q", i+1, goLine, cLine)
		}
	}
	if got, want := LayoutFingerprint(), LibraryLayoutFingerprint(); got != want {
		t.Errorf("fingerprint of the header %#x, of the library %#x", got, want)
	}
}

// cgo sees a changed header only in the package's own folder, so copies lie there.
func TestABI03HeaderCopyIsEqual(t *testing.T) {
	original := filepath.Join("..", "..", "..", "..", "ffi", "include")
	if _, err := os.Stat(original); os.IsNotExist(err) {
		t.Skip("not inside a checkout: there is no original to compare with")
	}
	for _, name := range []string{"courier.h", "courier_layout.h"} {
		want, err := os.ReadFile(filepath.Join(original, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not a copy of ffi/include/%s", name, name)
		}
	}
}
