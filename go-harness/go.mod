module github.com/cgolab/cgolab/go-harness

go 1.21
