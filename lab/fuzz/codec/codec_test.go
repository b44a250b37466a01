package codec

import (
	"bytes"
	"math"
	"reflect"
	"testing"
)

func types(values ...any) []reflect.Type {
	var all []reflect.Type
	for _, value := range values {
		all = append(all, reflect.TypeOf(value))
	}
	return all
}

// every has one value of each type that testing.F takes.
var every = []any{
	[]byte("ab\x00"), "", true, byte(200), rune(-5), float32(-1.5), math.Inf(1), int(-1), int8(-128), int16(-2),
	int64(math.MinInt64), uint(math.MaxUint64), uint16(65535), uint32(7), uint64(8), "last",
}

func TestArgumentsOfAllTypesComeBack(t *testing.T) {
	kinds := types(every...)
	if got := Decode(kinds, Encode(kinds, every)); !reflect.DeepEqual(got, every) {
		t.Errorf("got %v, want %v", got, every)
	}
	zero := Decode(kinds, nil)
	if got := Decode(kinds, Encode(kinds, zero)); !reflect.DeepEqual(got, zero) {
		t.Errorf("got %v, want %v", got, zero)
	}
}

func TestBitsOfNaNComeBack(t *testing.T) {
	const bits32, bits64 = 0x7fa00001, 0x7ff4000000000001
	kinds := types(float32(0), float64(0))
	values := []any{math.Float32frombits(bits32), math.Float64frombits(bits64)}
	got := Decode(kinds, Encode(kinds, values))
	if math.Float32bits(got[0].(float32)) != bits32 || math.Float64bits(got[1].(float64)) != bits64 {
		t.Errorf("got %v", got)
	}
}

func TestOneArgumentIsItsBytes(t *testing.T) {
	for _, value := range []any{[]byte("x\x00y"), "x\x00y"} {
		kinds := types(value)
		if got := Encode(kinds, []any{value}); !bytes.Equal(got, []byte("x\x00y")) {
			t.Errorf("%T: %q", value, got)
		}
	}
}

func TestDecodedBytesAreACopy(t *testing.T) {
	data := []byte("abc")
	value := Decode(types(data), data)[0].([]byte)
	data[0] = 'x'
	if string(value) != "abc" {
		t.Error("the argument is the fuzzer's own memory")
	}
}

func FuzzAnyBytesAreArguments(f *testing.F) {
	kinds := types(every...)
	f.Add(Encode(kinds, every))
	f.Add([]byte("\xff\xff\xff\xff short"))
	f.Fuzz(func(t *testing.T, data []byte) {
		first := Encode(kinds, Decode(kinds, data))
		if second := Encode(kinds, Decode(kinds, first)); !bytes.Equal(first, second) {
			t.Errorf("%q is not %q", second, first)
		}
	})
}
