// Package rare samples, ticks and hands over, in C.
package rare

// #include "rare.h"
// void goTick(uintptr_t);
import "C"

import (
	"errors"
	"runtime"
	"runtime/cgo"
	"time"
)

// ErrNothing says that no value came in time.
var ErrNothing = errors.New("rare: no value came")

// Sample is a sample. It is freed when nobody has it any more.
type Sample struct{ c *C.sample }

// NewSample makes a sample of equal bytes.
func NewSample(fill byte) *Sample {
	s := &Sample{C.sample_new(C.uchar(fill))}
	runtime.SetFinalizer(s, func(s *Sample) { C.sample_free(s.c) })
	return s
}

// Sum adds the bytes.
func (s *Sample) Sum() int { return int(C.sample_sum(s.c)) }

// Ticker calls back from a thread of C.
type Ticker struct{ c *C.ticker }

// NewTicker starts the thread.
func NewTicker() *Ticker {
	return &Ticker{C.ticker_new((*[0]byte)(C.goTick))}
}

// Close ends the thread.
func (t *Ticker) Close() { C.ticker_free(t.c) }

// Subscription is a function that is called at each tick, until it is closed.
type Subscription struct {
	ticker *Ticker
	token  cgo.Handle
}

// Subscribe takes the place of the subscription before.
func (t *Ticker) Subscribe(tick func()) *Subscription {
	token := cgo.NewHandle(tick)
	C.ticker_subscribe(t.c, C.uintptr_t(token))
	return &Subscription{t, token}
}

// Close ends the subscription.
func (s *Subscription) Close() {
	C.ticker_subscribe(s.ticker.c, 0)
	s.token.Delete()
}

//export goTick
func goTick(token C.uintptr_t) {
	cgo.Handle(token).Value().(func())()
}

// Box holds a value.
type Box struct{ c *C.box }

// NewBox makes an empty box.
func NewBox() *Box { return &Box{C.box_new()} }

// Close frees the box.
func (b *Box) Close() { C.box_free(b.c) }

// Put puts a value into the box, which is empty.
func (b *Box) Put(value int) { C.box_put(b.c, C.int(value)) }

// Take waits for a value.
func (b *Box) Take(atMost time.Duration) (int, error) {
	var value C.int
	if C.box_take(b.c, C.int(atMost/time.Millisecond), &value) != 0 {
		return 0, ErrNothing
	}
	return int(value), nil
}
