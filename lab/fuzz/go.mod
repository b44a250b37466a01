module cgolab.example/fuzz

go 1.20
