package crash

import "testing"

func FuzzRun(f *testing.F) {
	f.Fuzz(func(t *testing.T, kind string) {
		switch kind {
		case "fatal":
			t.Fatal("it fails")
		case "fatal below":
			t.Run("below", func(t *testing.T) { t.Fatal("it fails below") })
		case "skip":
			t.Skip("no")
		}
		Run(kind)
	})
}
