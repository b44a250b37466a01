package plain

func F() {}
