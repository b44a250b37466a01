// Package vet finds broken interop contracts in Go code that calls C: what leaks, what is freed twice or while
// it is in use, what is read on the wrong thread.
//
//	go run github.com/cgolab/cgolab/go-harness/vet/cmd/cgolab-vet@latest ./...
//	go vet -vettool=$(which cgolab-vet) ./...
//
// Bindings through cgo and through purego are understood. Neither a configuration nor a C library is needed:
// C code is not compiled, only its headers are read. The pages in docs/vet, one for each rule, are made from
// the rules; docs/vet/corpus.md says what they find in public modules and how much of it is true.
//
// # What holds for all rules
//
// A rule that cries wolf is turned off for ever. So a finding must be sure of its case, and what cannot be
// followed (a value that is stored where others find it, an interface, a function that nobody has seen) is left
// in peace. What was not analysed at all is said: packages that do not type-check, headers that are missing,
// files that build tags leave out.
//
// Speed: C code is not compiled, and a package is let go of when its rules have run. After a change of go-sqlite3
// v1.14.53 the rules take 3 s and 0.1 GiB, and go vet, which compiles its C again, 97 s and 0.4 GiB. Where there is no
// C to compile, go vet is ahead, because it reads what the compiler has noted of imported packages: 1.3 s to 1.6 s in
// cdata of arrow-go v18.4.1, and 10 s to 17 s in kafka of confluent-kafka-go v2.11.1, whose tests rest on 1,221 packages.
// That one takes 0.95 GiB, the most of all modules that were tried.
//
// Comments tell rules what they cannot know; each needs a reason:
//
//	//cgolab:ignore RULE reason          on the line, the line before, or in the function's comment
//	//cgolab:thread-local C.FUNC reason  C.FUNC returns the error of the thread's last call
//	//cgolab:object-error C.FUNC reason  it looks as if it did, and does not
//	//cgolab:owner C.FUNC reason         C.FUNC frees what it is given
//	//cgolab:release C.FUNC reason       C.FUNC may be called by a finalizer
//	//cgolab:raw reason                  the package is a thin layer over C, for packages beside it
//
// # Where things are
//
//	rule/               what a rule is: data, and one function; start here to write one
//	rules/NAME/         one rule each, with fixtures in testdata/src: want comments, hard.go for hard negatives
//	internal/source     original files of cgo packages, with types and SSA
//	internal/summary    what functions do with memory, handles and threads, as facts across packages
//	internal/flow       where a value goes, and which paths leave something undone
//	internal/directive  the comments above
//	internal/driver     the command on its own, and what go vet needs besides
//	internal/corpus     scripts/vet-corpus
//	cmd/cgolab-vet      the command
//	plugin/             the module plugin of golangci-lint
//
// Rules stand on SSA, because all of them ask where a value goes and what happens on every path. The form that
// cmd/cgo gives to drivers will not do for that: it hides each call in a function literal. Package source undoes
// it; a call of C is then a plain static call.
//
// # To add a rule
//
// Make rules/NAME with the rule, fixtures and a test of three lines (copy one that is there), and add it to
// Rules. Then: go test ./rules/NAME; go test -run Pages -update . writes its page; scripts/vet-corpus -record
// runs it over public modules. Read every finding before the rule is finished, and write down what it was. Break
// each condition that makes the rule silent, and see a hard negative turn red.
package vet
