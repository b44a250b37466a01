module example.com/planted

go 1.22

require github.com/DataDog/zstd v1.5.7
