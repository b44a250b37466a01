module github.com/cgolab/cgolab/go-harness/dev

go 1.21

require (
	github.com/cgolab/cgolab/go-harness v0.0.0
	github.com/faiface/mainthread v0.0.0-20171120011319-8b78f0a41ae3
	github.com/gopxl/mainthread/v2 v2.1.1
	go.uber.org/goleak v1.3.0
	golang.design/x/mainthread v0.3.0
	golang.org/x/mod v0.20.0
	golang.org/x/tools v0.24.0
)

replace github.com/cgolab/cgolab/go-harness => ../
