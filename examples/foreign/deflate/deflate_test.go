package deflate

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"
)

const room = 4 << 10

// packed is one stream of zlib.
func packed(text string) []byte {
	var stream bytes.Buffer
	w := zlib.NewWriter(&stream)
	w.Write([]byte(text))
	w.Close()
	return stream.Bytes()
}

// byGo unpacks without C.
func byGo(data []byte) ([]byte, error) {
	var all []byte
	// zlib.NewReader takes no more of it than one stream has.
	for rest := bytes.NewReader(data); ; {
		r, err := zlib.NewReader(rest)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		all = append(all, content...)
		if rest.Len() == 0 {
			return all, nil
		}
	}
}

func TestUnpack(t *testing.T) {
	if text, err := Unpack(packed("hello"), room); string(text) != "hello" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := Unpack([]byte("hello"), room); err == nil {
		t.Error("what is not packed is unpacked")
	}
	if _, err := Unpack(packed("hello"), 4); err == nil {
		t.Error("five bytes have room in four")
	}
}

// FuzzUnpack compares with Go's own package.
func FuzzUnpack(f *testing.F) {
	f.Add(packed("hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Unpack(data, room)
		if err != nil {
			return
		}
		if want, err := byGo(data); err != nil || !bytes.Equal(text, want) {
			t.Errorf("%x is %q, and for Go %q, %v", data, text, want, err)
		}
	})
}
