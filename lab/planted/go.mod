module cgolab.example/canaries

go 1.20
