//go:build planted

// Package vet has one planted mistake for each rule of cgolab-vet, and nothing else that a rule could find.
//
// A comment `planted: RULE` stands on the line of the finding, but for nocallback, whose line is one of cgo, and
// checksoff, which a comment silences. cgolab has the rules read the package before it believes what they do not find elsewhere. The package is
// read only: it links nothing. The tag keeps it from tools that would find the mistakes, too.
//
//	cgolab-vet -enable all -tags planted ./vet
package vet
