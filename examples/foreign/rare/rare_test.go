package rare

import (
	"sync"
	"testing"
	"time"
)

var garbage [2][]byte

func TestSum(t *testing.T) {
	var group sync.WaitGroup
	for worker := range garbage {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 200; i++ {
				if sum := NewSample(1).Sum(); sum != 256 {
					t.Errorf("the sum is %d", sum)
					return
				}
				if i%64 == 0 {
					garbage[worker] = make([]byte, 4096)
				}
			}
		}()
	}
	group.Wait()
}

func TestTick(t *testing.T) {
	ticker := NewTicker()
	defer ticker.Close()
	for i := 0; i < 20; i++ {
		ticked := make(chan bool, 1)
		subscription := ticker.Subscribe(func() {
			select {
			case ticked <- true:
			default:
			}
		})
		<-ticked
		subscription.Close()
	}
}

func TestHandOver(t *testing.T) {
	there, back := NewBox(), NewBox()
	defer there.Close()
	defer back.Close()
	done := make(chan error, 1)
	const values = 500
	go func() {
		for i := 0; i < values; i++ {
			value, err := there.Take(2 * time.Second)
			if err != nil {
				done <- err
				return
			}
			back.Put(value)
		}
		done <- nil
	}()
	for i := 0; i < values; i++ {
		there.Put(i)
		value, err := back.Take(2 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if value != i {
			t.Fatalf("value %d came back as %d", i, value)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
