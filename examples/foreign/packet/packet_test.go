package packet

import "testing"

func TestSum(t *testing.T) {
	if sum, err := Sum([]byte("PK\x02\x03\x01\x02\x03")); sum != 6 || err != nil {
		t.Errorf("got %d, %v", sum, err)
	}
	if _, err := Sum([]byte("PX\x02\x00")); err == nil {
		t.Error("a bad packet has a sum")
	}
}

func TestText(t *testing.T) {
	if text, err := Text([]byte("TXT\x02hi")); text != "hi" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sum, err := Sum(data); err == nil && sum < 0 {
			t.Errorf("a sum of %d", sum)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if text, err := Text(data); err == nil && len(text) > len(data) {
			t.Errorf("a text of %d bytes", len(text))
		}
	})
}
