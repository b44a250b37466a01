package m

import (
	"os"
	"strings"
	"sync"
	"testing"
)

// FuzzTurns writes a line for each process of libFuzzer, and fails from the fourth on.
func FuzzTurns(f *testing.F) {
	var once sync.Once
	f.Fuzz(func(t *testing.T, data []byte) {
		sum(data)
		once.Do(func() { turn(t) })
	})
}

func turn(t *testing.T) {
	line := "counters=" + os.Getenv("CGOLAB_FUZZ_COUNTERS")
	// The arguments of libFuzzer are not those of the test.
	args, _ := os.ReadFile("/proc/self/cmdline")
	for _, arg := range strings.Split(string(args), "\x00") {
		if strings.HasPrefix(arg, "-seed=") || strings.HasPrefix(arg, "-use_value_profile=") {
			line += " " + arg
		}
	}
	file := os.Getenv("TURNS")
	lines, _ := os.ReadFile(file)
	lines = append(lines, line+"\n"...)
	if err := os.WriteFile(file, lines, 0o644); err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(lines), "\n") >= 4 {
		t.Fatal("four turns")
	}
}
