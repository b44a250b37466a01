// Command unreached tells which statements no test has run, from the profiles that
// go test -coverprofile writes. It is what cargo lab coverage judges.
//
//	unreached FOLDER PROFILE...
//
// FOLDER holds the module that the profiles are of. A block counts as run if any profile says so. The output is
// JSON: per package how many statements there are and how many were run, and each block that was not.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/cover"
)

// A Result is the output.
type Result struct {
	// Packages by their folder in the module.
	Packages  map[string]*Statements `json:"packages"`
	Unreached []Block                `json:"unreached"`
}

// Statements counts the statements of a package.
type Statements struct {
	Run int `json:"run"`
	All int `json:"all"`
}

// A Block is a run of statements that no test has run.
type Block struct {
	// File is relative to the module.
	File string `json:"file"`
	// Line is that of the first line of code.
	Line int `json:"line"`
	// Function is what stands between func and the parameters.
	Function string `json:"function"`
	// Code is the first line of code.
	Code       string `json:"code"`
	Statements int    `json:"statements"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "unreached: give the folder of a module and its coverage profiles")
		os.Exit(2)
	}
	result, err := read(os.Args[1], os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "unreached:", err)
		os.Exit(1)
	}
}

// read returns what the profiles say of the module in a folder.
func read(folder string, profiles []string) (*Result, error) {
	manifest := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	module := modfile.ModulePath(text)
	merged, err := merge(profiles)
	if err != nil {
		return nil, err
	}
	result := &Result{Packages: map[string]*Statements{}, Unreached: []Block{}}
	for _, profile := range merged {
		file, ok := strings.CutPrefix(profile.FileName, module+"/")
		if !ok {
			return nil, fmt.Errorf("%s is no file of %s", profile.FileName, module)
		}
		source, err := parse(filepath.Join(folder, file))
		if err != nil {
			return nil, err
		}
		pkg := result.Packages[path.Dir(file)]
		if pkg == nil {
			pkg = &Statements{}
			result.Packages[path.Dir(file)] = pkg
		}
		for _, block := range profile.Blocks {
			pkg.All += block.NumStmt
			if block.Count > 0 {
				pkg.Run += block.NumStmt
				continue
			}
			shown, ok := source.show(block)
			if !ok {
				return nil, fmt.Errorf("%s has changed since its profile was written", file)
			}
			shown.File = file
			result.Unreached = append(result.Unreached, shown)
		}
	}
	return result, nil
}

// merge reads the profiles as one, in which a block has the sum of its counts.
func merge(profiles []string) ([]*cover.Profile, error) {
	readers := []io.Reader{strings.NewReader("mode: count\n")}
	for _, profile := range profiles {
		text, err := os.ReadFile(profile)
		if err != nil {
			return nil, err
		}
		mode, blocks, _ := bytes.Cut(text, []byte("\n"))
		if !bytes.HasPrefix(mode, []byte("mode: ")) {
			return nil, fmt.Errorf("%s is no coverage profile", profile)
		}
		readers = append(readers, bytes.NewReader(blocks))
	}
	return cover.ParseProfilesFromReader(io.MultiReader(readers...))
}

// A source is a parsed file.
type source struct {
	text   []byte
	tokens *token.File
	syntax *ast.File
}

func parse(file string) (*source, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tokens := token.NewFileSet()
	syntax, err := parser.ParseFile(tokens, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{text, tokens.File(syntax.Pos()), syntax}, nil
}

// offset returns the place of a line and a column, or false if the file has none such.
func (s *source) offset(line, column int) (int, bool) {
	if line > s.tokens.LineCount() {
		return 0, false
	}
	offset := s.tokens.Offset(s.tokens.LineStart(line)) + column - 1
	return offset, offset <= len(s.text)
}

// show returns a block by its function and its first line of code, which comments and the brace of a body are
// not. It returns false if the file has changed.
func (s *source) show(block cover.ProfileBlock) (Block, bool) {
	start, ok := s.offset(block.StartLine, block.StartCol)
	end, inside := s.offset(block.EndLine, block.EndCol)
	if !ok || !inside || start > end {
		return Block{}, false
	}
	// A body comes with its braces.
	if start < end && s.text[start] == '{' {
		start++
		if s.text[end-1] == '}' {
			end--
		}
	}
	start, ok = firstToken(s.text, start, end)
	function := s.function(start)
	if !ok || function == "" {
		return Block{}, false
	}
	code, _, _ := bytes.Cut(s.text[start:end], []byte("\n"))
	return Block{
		Line:       s.tokens.Line(s.tokens.Pos(start)),
		Function:   function,
		Code:       string(bytes.TrimSpace(code)),
		Statements: block.NumStmt,
	}, true
}

// firstToken returns the offset of the first token between two offsets that is no comment, or false.
func firstToken(text []byte, start, end int) (int, bool) {
	if start >= end {
		return 0, false
	}
	file := token.NewFileSet().AddFile("", -1, end-start)
	var tokens scanner.Scanner
	tokens.Init(file, text[start:end], nil, 0)
	pos, kind, _ := tokens.Scan()
	return start + file.Offset(pos), kind != token.EOF
}

// function returns the function around an offset: `(o *Owner) pump` of `func (o *Owner) pump() {`.
func (s *source) function(offset int) string {
	at := s.tokens.Pos(offset)
	for _, decl := range s.syntax.Decls {
		if decl, ok := decl.(*ast.FuncDecl); ok && decl.Pos() <= at && at <= decl.End() {
			from := s.tokens.Offset(decl.Pos()) + len("func ")
			return string(s.text[from:s.tokens.Offset(decl.Name.End())])
		}
	}
	return ""
}
