package summary

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// largest is the size up to which C files beside the Go files are read: helpers are short, libraries are not.
const largest = 64 << 10

var (
	cDefinition = regexp.MustCompile(`([A-Za-z_]\w*)\s*\([^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*\)\s*\{`)
	cName       = regexp.MustCompile(`[A-Za-z_]\w*`)
	cFree       = regexp.MustCompile(`\b\w*free\w*\b`)
)

// readC finds, in the C code that belongs to the package, functions that free something or hand over a
// function that does. It does not parse C: a function that mentions free is left alone by rules about leaks.
func (t *Table) readC() {
	t.freesInC = make(map[string]bool)
	texts := t.Package.Preambles
	for _, name := range t.pass.OtherFiles {
		switch filepath.Ext(name) {
		case ".c", ".h", ".cc", ".cpp", ".hpp", ".m":
			if info, err := os.Stat(name); err == nil && info.Size() <= largest {
				if text, err := os.ReadFile(name); err == nil {
					texts = append(texts, string(text))
				}
			}
		}
	}
	bodies := make(map[string]string)
	t.definitions = make(map[string]string)
	for _, text := range texts {
		for _, at := range cDefinition.FindAllStringSubmatchIndex(text, -1) {
			name, code := text[at[2]:at[3]], body(text[at[1]:])
			bodies[name] = code
			t.definitions[name] = text[at[2]:at[1]] + code
			if cFree.MatchString(code) {
				t.freesInC[name] = true
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for name, code := range bodies {
			if !t.freesInC[name] && slices.ContainsFunc(cName.FindAllString(code, -1), func(called string) bool { return t.freesInC[called] }) {
				t.freesInC[name], changed = true, true
			}
		}
	}
}

// body is the text up to the brace that closes the one before it.
func body(text string) string {
	depth := 1
	end := strings.IndexFunc(text, func(r rune) bool {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		return depth == 0
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// Definition is the text of a C function whose code belongs to the package, up to its last brace, or "".
func (t *Table) Definition(name string) string { return t.definitions[name] }
