module github.com/cgolab/cgolab/go-harness/canary

go 1.21

require github.com/cgolab/cgolab/go-harness v0.0.0

replace github.com/cgolab/cgolab/go-harness => ../../go-harness
