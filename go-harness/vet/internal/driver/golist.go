package driver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/packages"

	"github.com/cgolab/cgolab/go-harness/vet/internal/source"
)

// objects is the variable by which a run tells its packages driver where to put what cgo makes.
const objects = "CGOLAB_VET_OBJECTS"

// ServePackages makes this process a driver of go/packages, if it was started as one, and ends it. The usual
// driver lets the go command compile all C code only to learn the types of Go; this one runs cmd/cgo alone.
// Every program that calls Run calls it first.
func ServePackages() {
	dir := os.Getenv(objects)
	if dir == "" {
		return
	}
	if err := servePackages(dir, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// listed is what go list says of a package.
type listed struct {
	Dir, ImportPath, Name, ForTest                   string
	GoFiles, CgoFiles, CFiles, CXXFiles, HFiles      []string
	IgnoredGoFiles, Imports                          []string
	CgoCPPFLAGS, CgoCFLAGS, CgoLDFLAGS, CgoPkgConfig []string
	ImportMap                                        map[string]string
	Standard, DepOnly                                bool
	Module                                           *packages.Module
	Error                                            *struct{ Pos, Err string }
}

func servePackages(dir string, patterns []string) error {
	var request packages.DriverRequest
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return err
	}
	args := append([]string{"list", "-e", "-deps", "-json", fmt.Sprintf("-test=%t", request.Tests)}, request.BuildFlags...)
	cmd := exec.Command("go", append(append(args, "--"), patterns...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if says := bytes.TrimSpace(stderr.Bytes()); len(says) > 0 {
			return errors.New(string(says))
		}
		return fmt.Errorf("go list: %w", err)
	}
	var all []*listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		pkg := new(listed)
		if err := decoder.Decode(pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		all = append(all, pkg)
	}
	if len(all) == 0 {
		return errors.New(cmp.Or(strings.TrimSpace(stderr.String()), "no packages"))
	}
	response := &packages.DriverResponse{Compiler: "gc", Arch: runtime.GOARCH, Packages: make([]*packages.Package, len(all))}
	if arch := os.Getenv("GOARCH"); arch != "" {
		response.Arch = arch
	}
	known := make(map[string]bool)
	variants := make(map[string]bool) // packages whose variant for tests has all their files
	for _, pkg := range all {
		known[pkg.ImportPath] = true
		if pkg.ForTest != "" && !pkg.DepOnly && plainPath(pkg.ImportPath) == pkg.ForTest {
			variants[pkg.ForTest] = true
		}
	}
	var work sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, pkg := range all {
		main := pkg.Name == "main" && strings.HasSuffix(pkg.ImportPath, ".test")
		if !pkg.DepOnly && !main && !variants[pkg.ImportPath] {
			response.Roots = append(response.Roots, pkg.ImportPath)
		}
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			response.Packages[i] = pkg.translate(filepath.Join(dir, fmt.Sprint(i)), known)
		})
	}
	work.Wait()
	if err := os.WriteFile(filepath.Join(dir, bare), []byte(strings.Join(bareFolders(all), "\n")), 0o666); err != nil {
		return err
	}
	modules := make(map[string]*packages.Module)
	for _, pkg := range all {
		modules[pkg.ImportPath] = pkg.Module
	}
	text, err := json.Marshal(modules)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, moduleList), text, 0o666); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(response)
}

// moduleList is the file that says of which modules packages are: the answer of a driver has no place for that.
const moduleList = "modules.json"

// setModules tells packages of which modules they are.
func setModules(pkgs []*packages.Package, list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var modules map[string]*packages.Module
	if err := json.Unmarshal(text, &modules); err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	packages.Visit(pkgs, nil, func(pkg *packages.Package) { pkg.Module = modules[pkg.ID] })
	return nil
}

// bare is the file that names folders of packages whose function bodies nobody looks into.
const bare = "bare"

// bareFolders are the folders of dependencies that do not touch C, nor import what does. A package that is asked for is a
// dependency too as a variant for the tests of others.
func bareFolders(all []*listed) (dirs []string) {
	native := make(map[string]bool)
	asked := make(map[string]bool)
	for _, pkg := range all {
		if !pkg.DepOnly {
			asked[pkg.Dir] = true
		}
	}
	for _, pkg := range all { // dependencies come first
		native[pkg.ImportPath] = !pkg.Standard && (len(pkg.CgoFiles) > 0 || slices.ContainsFunc(pkg.Imports, func(id string) bool {
			return native[id] || source.NativeImport(id)
		}))
		if !asked[pkg.Dir] && !native[pkg.ImportPath] {
			dirs = append(dirs, pkg.Dir)
		}
	}
	return dirs
}

// plainPath is an import path without the mark of a variant for tests.
func plainPath(path string) string {
	path, _, _ = strings.Cut(path, " ")
	return path
}

// translate makes a package of go/packages, and lets cmd/cgo write its Go files into a folder.
func (l *listed) translate(objdir string, known map[string]bool) *packages.Package {
	pkg := &packages.Package{
		ID: l.ImportPath, Name: l.Name, PkgPath: plainPath(l.ImportPath),
		GoFiles:         l.paths(l.GoFiles, l.CgoFiles),
		CompiledGoFiles: l.paths(l.GoFiles),
		OtherFiles:      l.paths(l.CFiles, l.CXXFiles, l.HFiles),
		IgnoredFiles:    l.paths(l.IgnoredGoFiles),
		Imports:         make(map[string]*packages.Package),
	}
	ids := make(map[string]bool)
	for _, id := range l.Imports {
		ids[id] = id != "C"
	}
	for path, id := range l.ImportMap {
		pkg.Imports[path] = &packages.Package{ID: id}
		ids[id] = false
	}
	if len(l.CgoFiles) > 0 {
		for _, id := range []string{"runtime/cgo", "syscall", "unsafe"} {
			ids[id] = true // what cmd/cgo writes imports them
		}
	}
	for id, imported := range ids {
		if imported && known[id] {
			pkg.Imports[id] = &packages.Package{ID: id}
		}
	}
	if l.Error != nil {
		pkg.Errors = append(pkg.Errors, packages.Error{Pos: l.Error.Pos, Msg: l.Error.Err, Kind: packages.ListError})
	}
	switch {
	case len(l.CgoFiles) == 0:
	case l.Standard:
		// Nobody looks into it; types that come from C are of no interest.
		pkg.CompiledGoFiles = pkg.GoFiles
	default:
		files, err := l.cgo(objdir)
		if err != nil {
			pkg.Errors = append(pkg.Errors, packages.Error{Msg: err.Error(), Kind: packages.ListError})
			files = l.paths(l.CgoFiles)
		}
		pkg.CompiledGoFiles = append(pkg.CompiledGoFiles, files...)
	}
	return pkg
}

func (l *listed) paths(lists ...[]string) (paths []string) {
	for _, list := range lists {
		for _, name := range list {
			if !filepath.IsAbs(name) {
				name = filepath.Join(l.Dir, name)
			}
			paths = append(paths, name)
		}
	}
	return paths
}

// cgo runs cmd/cgo as the go command does.
func (l *listed) cgo(objdir string) (files []string, err error) {
	if err := os.MkdirAll(objdir, 0o777); err != nil {
		return nil, err
	}
	args := []string{"tool", "cgo", "-objdir", objdir, "-importpath", plainPath(l.ImportPath), "--", "-I", objdir}
	if len(l.CgoPkgConfig) > 0 {
		tool := os.Getenv("PKG_CONFIG")
		if tool == "" {
			tool = "pkg-config"
		}
		options := []string{"--cflags"}
		var names []string
		for _, arg := range l.CgoPkgConfig {
			if strings.HasPrefix(arg, "--") {
				options = append(options, arg)
			} else {
				names = append(names, arg)
			}
		}
		out, err := command(l.Dir, tool, slices.Concat(options, []string{"--"}, names)...)
		if err != nil {
			return nil, err
		}
		args = append(args, strings.Fields(out)...)
	}
	args = append(args, strings.Fields(os.Getenv("CGO_CPPFLAGS"))...)
	args = append(args, l.CgoCPPFLAGS...)
	if flags, ok := os.LookupEnv("CGO_CFLAGS"); ok {
		args = append(args, strings.Fields(flags)...)
	} else {
		args = append(args, "-g", "-O2")
	}
	args = append(append(args, l.CgoCFLAGS...), l.CgoFiles...)
	if _, err := command(l.Dir, "go", args...); err != nil {
		return nil, err
	}
	files = []string{filepath.Join(objdir, "_cgo_gotypes.go")}
	for _, name := range l.CgoFiles {
		files = append(files, filepath.Join(objdir, strings.TrimSuffix(filepath.Base(name), ".go")+".cgo1.go"))
	}
	return files, nil
}

func command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if says := strings.TrimSpace(stderr.String()); says != "" {
			return "", errors.New(says)
		}
		return "", fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return stdout.String(), nil
}
