module example.com/packet

go 1.22
