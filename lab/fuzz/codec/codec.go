// Package codec turns the bytes of a fuzzer into the arguments of a fuzz test, and back.
//
// Arguments of fixed size come first, little endian. Then comes a length of four bytes for each string or
// []byte but the last, and then their contents. So the common target, one []byte, is its bytes as they are.
package codec

import (
	"encoding/binary"
	"math"
	"reflect"
)

// lengthSize is the size of a length.
const lengthSize = 4

// fixedSize is the size of an argument, or 0 if it has contents of any length.
func fixedSize(t reflect.Type) int {
	switch t.Kind() {
	case reflect.String, reflect.Slice:
		return 0
	case reflect.Int, reflect.Uint:
		return 8
	default:
		return int(t.Size())
	}
}

// lastVariable is the index of the last argument that is a string or []byte, or -1.
func lastVariable(types []reflect.Type) int {
	for i := len(types) - 1; i >= 0; i-- {
		if fixedSize(types[i]) == 0 {
			return i
		}
	}
	return -1
}

// Decode makes arguments of any bytes: what is missing is zero, and a length is taken modulo what is left.
// The arguments share no memory with data.
func Decode(types []reflect.Type, data []byte) []any {
	take := func(size int) uint64 {
		var word [8]byte
		taken := copy(word[:size], data)
		data = data[taken:]
		return binary.LittleEndian.Uint64(word[:])
	}
	values := make([]any, len(types))
	for i, t := range types {
		if size := fixedSize(t); size > 0 {
			values[i] = fromBits(t, take(size))
		}
	}
	last := lastVariable(types)
	lengths := make([]uint64, len(types))
	for i, t := range types {
		if fixedSize(t) == 0 && i != last {
			lengths[i] = take(lengthSize)
		}
	}
	for i, t := range types {
		if fixedSize(t) != 0 {
			continue
		}
		length := len(data)
		if i != last {
			length = int(lengths[i] % uint64(len(data)+1))
		}
		contents := data[:length]
		data = data[length:]
		if t.Kind() == reflect.String {
			values[i] = string(contents)
		} else {
			values[i] = append([]byte{}, contents...)
		}
	}
	return values
}

// Encode makes bytes from which Decode makes these arguments.
func Encode(types []reflect.Type, values []any) []byte {
	var fixed, lengths, contents []byte
	last := lastVariable(types)
	for i, t := range types {
		if size := fixedSize(t); size > 0 {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], toBits(values[i]))
			fixed = append(fixed, word[:size]...)
			continue
		}
		content := reflect.ValueOf(values[i]).Convert(bytesType).Bytes()
		if i != last {
			lengths = binary.LittleEndian.AppendUint32(lengths, uint32(len(content)))
		}
		contents = append(contents, content...)
	}
	return append(append(fixed, lengths...), contents...)
}

var bytesType = reflect.TypeOf([]byte(nil))

func fromBits(t reflect.Type, bits uint64) any {
	value := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.Bool:
		value.SetBool(bits&1 == 1)
	case reflect.Float32:
		value.Set(reflect.ValueOf(math.Float32frombits(uint32(bits))))
	case reflect.Float64:
		value.SetFloat(math.Float64frombits(bits))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		unused := 64 - 8*fixedSize(t)
		value.SetInt(int64(bits<<unused) >> unused)
	default:
		value.SetUint(bits)
	}
	return value.Interface()
}

func toBits(value any) uint64 {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return 1
		}
		return 0
	case reflect.Float32:
		return uint64(math.Float32bits(value.(float32)))
	case reflect.Float64:
		return math.Float64bits(v.Float())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return uint64(v.Int())
	default:
		return v.Uint()
	}
}
