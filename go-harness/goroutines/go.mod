module github.com/cgolab/cgolab/go-harness/goroutines

go 1.21

require (
	github.com/cgolab/cgolab/go-harness v0.0.0
	go.uber.org/goleak v1.3.0
)

replace github.com/cgolab/cgolab/go-harness => ../
