package forms

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var ready = flag.Bool("ready", true, "a flag of the tests")

var began int

func TestMain(m *testing.M) {
	flag.Parse()
	began++
	code := m.Run()
	fmt.Println("teardown")
	os.Exit(code)
}

func FuzzEvery(f *testing.F) {
	if began != 1 || !*ready {
		f.Fatal("TestMain did not run")
	}
	f.Add([]byte("ab"), "cd", true, byte(1), 'x', float32(1.5), 2.5, -1, int8(-8), int16(-16), int32(-32), int64(-64),
		uint(1), uint8(8), uint16(16), uint32(32), uint64(64))
	f.Fuzz(func(t *testing.T, a []byte, b string, c bool, d byte, e rune, g float32, h float64, i int, j int8, k int16,
		l int32, m int64, n uint, o uint8, p uint16, q uint32, r uint64) {
		if string(a) == "ab" && b == "cd" && c && e == 'x' && g == 1.5 && h == 2.5 && i == -1 && j == -8 && k == -16 &&
			m == -64 && n == 1 && p == 16 && r == 64 && l == -32 && q == 32 && d == 1 && o == 8 {
			t.Error("the seed of F.Add arrived")
		}
	})
}

func FuzzStored(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, number int) {
		if text == "stored" && number == 7 {
			t.Error("the seed of testdata arrived")
		}
	})
}

func FuzzSkips(f *testing.F) {
	f.Skip("not today")
	f.Fuzz(func(*testing.T, []byte) {})
}

func FuzzForgets(f *testing.F) {}
