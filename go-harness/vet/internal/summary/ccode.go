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
	cComment    = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	cAssignment = regexp.MustCompile(`^\s*((\w+)(?:\s*(?:\.|->)\s*\w+|\s*\[[^\]]*\])*)\s*=\s*(?:\([^()]*\)\s*)?\(?\s*(\w+)\s*\)?\s*$`)
	cCall       = regexp.MustCompile(`([A-Za-z_]\w*)\s*\(((?:[^()]|\([^()]*\))*)\)`)
	cMacro      = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^()\n]*\))?[ \t]+((?:.*\\\n)*.*)$`)
	cCast       = regexp.MustCompile(`^\s*(?:\([^()]*\)\s*)?\(?\s*(\w+)\s*\)?\s*$`)
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
			t.definitions[name] = cComment.ReplaceAllString(text[at[2]:at[1]]+code, " ")
			if cFree.MatchString(code) {
				t.freesInC[name] = true
			}
		}
	}
	for _, text := range texts {
		for _, macro := range cMacro.FindAllStringSubmatch(text, -1) {
			if name := macro[1]; t.definitions[name] == "" {
				code := macroFunction(name, macro[2], strings.ReplaceAll(macro[3], "\\\n", " "))
				t.definitions[name] = cComment.ReplaceAllString(code, " ")
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

// macroFunction is a macro as a function whose parameters are all pointers. One without parameters stands for the
// function that it names.
func macroFunction(name, params, code string) string {
	if params == "" {
		return name + "() {" + code + "()"
	}
	return name + strings.NewReplacer("(", "(*", ",", ",*").Replace(params) + " {" + code
}

// Definition is the text of a C function whose code belongs to the package, up to its last brace and without
// comments, or "".
func (t *Table) Definition(name string) string { return t.definitions[name] }

// CStore says that a C function assigns one of its pointer parameters to a variable that it does not declare, and
// lets it stay there.
type CStore struct {
	Param    string
	Variable string // as the code has it, with fields and elements
	Stored          // Into is -1 for a variable that no parameter leads to
}

// CStores are the stores of a C function whose code belongs to the package.
func (t *Table) CStores(name string) []CStore { return t.cStores(name, make(map[string]bool)) }

func (t *Table) cStores(name string, seen map[string]bool) (stores []CStore) {
	if seen[name] {
		return nil
	}
	seen[name] = true
	defer delete(seen, name)
	head, body, _ := strings.Cut(t.Definition(name), "{")
	_, list, _ := strings.Cut(head, "(")
	var params []string
	pointer := make(map[string]bool)
	for param := range strings.SplitSeq(list, ",") {
		names := cName.FindAllString(param, -1)
		own := append([]string{""}, names...)[len(names)]
		params = append(params, own)
		pointer[own] = strings.Contains(param, "*")
	}
	store := func(value, variable string, into int) {
		if pointer[value] {
			stores = append(stores, CStore{value, variable, Stored{slices.Index(params, value), into}})
		}
	}
	for statement := range strings.FieldsFuncSeq(body, func(r rune) bool { return strings.ContainsRune(";{}", r) }) {
		for _, s := range t.storesOfCalls(statement, seen) {
			store(s.Param, s.Variable, -1)
		}
		at := cAssignment.FindStringSubmatch(statement)
		if at == nil {
			continue
		}
		target, base, value := at[1], at[2], at[3]
		stores = slices.DeleteFunc(stores, func(s CStore) bool { return s.Variable == target })
		into := slices.Index(params, base)
		if into >= 0 && (target == base || !pointer[base]) || declared(body, base) {
			continue
		}
		store(value, target, into)
	}
	return stores
}

// storesOfCalls are the stores in global variables by the calls of a statement. Param is the argument.
func (t *Table) storesOfCalls(statement string, seen map[string]bool) (stores []CStore) {
	for _, call := range cCall.FindAllStringSubmatch(statement, -1) {
		args := strings.Split(call[2], ",")
		for _, s := range t.cStores(call[1], seen) {
			if s.Into >= 0 || s.Stored.Param >= len(args) {
				continue
			}
			if arg := cCast.FindStringSubmatch(args[s.Stored.Param]); arg != nil {
				s.Param = arg[1]
				stores = append(stores, s)
			}
		}
	}
	return stores
}

// callsBack are the functions of the C library that call a function that they are given before they return.
var callsBack = map[string]bool{
	"qsort": true, "qsort_r": true, "bsearch": true, "lfind": true, "lsearch": true, "tsearch": true, "tfind": true, "twalk": true,
	"ftw": true, "nftw": true, "scandir": true, "pthread_once": true, "call_once": true,
}

// CCalls are the functions that a C function of the package calls, itself or through others of its code.
func (t *Table) CCalls(name string) (called []string) {
	seen := map[string]bool{name: true}
	var visit func(name string)
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			called = append(called, name)
			visit(name)
		}
	}
	visit = func(name string) {
		_, body, _ := strings.Cut(t.Definition(name), "{")
		for _, at := range cName.FindAllStringIndex(body, -1) {
			if strings.HasPrefix(strings.TrimSpace(body[at[1]:]), "(") {
				add(body[at[0]:at[1]])
			}
		}
		for _, call := range cCall.FindAllStringSubmatch(body, -1) {
			if callsBack[call[1]] {
				for _, given := range cName.FindAllString(call[2], -1) {
					add(given)
				}
			}
		}
	}
	visit(name)
	return called
}

// storesOfC are the stores of a C function that does nothing but assign. One that also calls something may
// use what it has stored for the time of the call.
func (t *Table) storesOfC(name string) []Stored {
	if stores, read := t.storedByC.Load(name); read {
		return stores.([]Stored)
	}
	stores := t.readStores(name)
	t.storedByC.Store(name, stores)
	return stores
}

func (t *Table) readStores(name string) (stores []Stored) {
	head, _, _ := strings.Cut(t.Definition(name), "{")
	if strings.Count(head, "(") != 1 || len(t.CCalls(name)) > 0 {
		return nil
	}
	for _, s := range t.CStores(name) {
		stores = append(stores, s.Stored)
	}
	return stores
}

// declared reports whether a function's body declares a variable that lives no longer than a call.
func declared(body, name string) bool {
	found := regexp.MustCompile(`(static\s+)?[^;{}]*\w[\s*]+` + name + `\s*(?:[;=,]|\[)`).FindStringSubmatch(body)
	return found != nil && !strings.Contains(found[0], "static")
}
