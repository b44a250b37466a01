//go:build courier_oracle

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// mostLoads is the largest number of loads of one input.
const mostLoads = 8

// hung is the time after which a load that must end counts as hung. libFuzzer's own limit comes later.
const hung = 20 * time.Second

// FuzzLoader reads bytes as calls on a loader, in any order: loads begin, their callers go, answers come, in time or
// late, and in the end it is closed. Each load ends once, as the first of those who end it says, and nothing is left
// of answers that come late.
//
// The upper four bits of a byte are the call, modulo their number, and the lower four the load. Every call is waited
// for: the threads are real, and their order is the script's.
func FuzzLoader(f *testing.F) {
	f.Fuzz(func(t *testing.T, script []byte) {
		clean(t)
		p := newPlay(t)
		for _, step := range script[:min(len(script), 64)] {
			p.do(int(step>>4), int(step&15))
		}
		p.finish()
		p.end()
	})
}

// A play is one run of FuzzLoader.
type play struct {
	judge
	loader *courier.Loader
	offers chan offer
	loads  []*loading
	// While the owner is held, no load begins, and the end of one is not seen. This lets it go on.
	release func()
	// An answer came when its caller had gone.
	late bool
}

type offer struct {
	url     string
	request *courier.Request
}

// A loading is a call of Load on another goroutine.
type loading struct {
	url     string
	request *courier.Request
	cancel  context.CancelFunc
	ended   chan struct{}
	bytes   []byte
	err     error

	// What must come of it, and how: nil while nobody has ended it.
	want *end
	// Load has returned; and the owner has seen to what that left.
	over, settled bool
	// Its request has an answer, or is closed.
	answered, closed bool
}

// An end is what Load returns: a body, an error, or a failure of the load.
type end struct {
	body    string
	err     error
	failure courier.Failure
}

func (e end) is(body []byte, err error) bool {
	var failed *courier.LoadError
	if errors.As(err, &failed) {
		return e.failure == failed.Failure && body == nil
	}
	return e.failure == 0 && e.body == string(body) && errors.Is(err, e.err)
}

func newPlay(t *testing.T) *play {
	p := &play{judge: newJudge(t), offers: make(chan offer, mostLoads)}
	var err error
	p.loader, err = courier.NewLoader(func(*courier.Runtime, courier.Event) {})
	p.ok(err)
	p.ok(p.loader.Owner().Do(context.Background(), func(rt *courier.Runtime) error {
		return rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			p.offers <- offer{url, request}
			return courier.Handle
		})
	}))
	return p
}

func (p *play) do(call, number int) {
	if call%6 == 0 {
		p.begin()
		return
	}
	if call%6 == 1 {
		p.hold()
		return
	}
	if len(p.loads) == 0 {
		return
	}
	l := p.loads[number%len(p.loads)]
	switch call % 6 {
	case 2:
		// Load returns though the owner is held. An answer that has come before is late then: nobody has seen it.
		l.cancel()
		if !l.over {
			l.want = &end{err: context.Canceled}
		}
		p.wait(l)
	case 3:
		p.answer(l, l.request.Complete([]byte(l.url)), &end{body: l.url})
	case 4:
		p.answer(l, l.request.Fail(l.url), &end{failure: courier.FailureProvider})
	case 5:
		p.ok(l.request.Close())
		if l.want == nil {
			l.want = &end{failure: courier.FailureDropped}
		}
		l.closed = true
	}
	p.settle()
}

// begin starts a load, and waits until its request is there.
func (p *play) begin() {
	if p.release != nil || len(p.loads) == mostLoads {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &loading{url: fmt.Sprintf("app:%d", len(p.loads)), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		l.bytes, l.err = p.loader.Load(ctx, l.url)
	}()
	select {
	case offered := <-p.offers:
		if offered.url != l.url {
			p.t.Fatalf("%s is offered in place of %s", offered.url, l.url)
		}
		l.request = offered.request
	case <-l.ended:
		p.t.Fatalf("%s ends before it is offered: %q, %v", l.url, l.bytes, l.err)
	}
	p.loads = append(p.loads, l)
}

// hold keeps the owner from its work, or lets it go on.
func (p *play) hold() {
	if p.release != nil {
		p.release()
		p.release = nil
		p.settle()
		return
	}
	inside, release := make(chan struct{}), make(chan struct{})
	p.ok(p.loader.Owner().Post(func(*courier.Runtime) {
		close(inside)
		<-release
	}))
	<-inside
	p.release = func() { close(release) }
}

// answer judges an answer. Only the first one in time is taken. One that comes when the caller has gone finds the load
// still there as long as the owner has not cancelled it, and is freed then.
func (p *play) answer(l *loading, err error, taken *end) {
	switch {
	case l.closed:
		p.refused("REQ-06", err, courier.ErrClosed)
	case l.answered:
		p.refused("REQ-03", err, courier.ErrAlreadyCompleted)
	case l.want == nil:
		p.ok(err)
		l.want = taken
	case l.settled || err != nil:
		p.refused("REQ-19", err, courier.ErrInvalidState)
	default:
		p.late = true
	}
	l.answered = true
}

func (p *play) refused(contract string, err, category error) {
	p.t.Helper()
	if !errors.Is(err, category) {
		p.broken(contract, fmt.Sprint(category), fmt.Sprint(err))
	}
}

// settle waits for the loads that somebody has ended.
func (p *play) settle() {
	if p.release != nil {
		return
	}
	for _, l := range p.loads {
		if l.want != nil {
			p.wait(l)
		}
	}
	// What the owner does for callers who have gone comes before this.
	p.ok(p.loader.Owner().Do(context.Background(), func(*courier.Runtime) error { return nil }))
	for _, l := range p.loads {
		l.settled = l.over
	}
}

// wait waits for the end of a load, and judges it. The contract is about those whose callers go, and those that are
// closed.
func (p *play) wait(l *loading) {
	if l.over {
		return
	}
	contract := "REQ-16"
	if l.want.err != nil {
		contract = "REQ-19"
	}
	watchdog := time.NewTimer(hung)
	defer watchdog.Stop()
	select {
	case <-l.ended:
	case <-watchdog.C:
		p.broken(contract, fmt.Sprintf("%s ends with %+v", l.url, *l.want), "Load has not returned")
	}
	l.over = true
	if !l.want.is(l.bytes, l.err) {
		p.broken(contract, fmt.Sprintf("%s ends with %+v", l.url, *l.want), fmt.Sprintf("%q, %v", l.bytes, l.err))
	}
	p.seen.check(contract)
}

// finish closes the loader, and all that was handed over.
func (p *play) finish() {
	if p.release != nil {
		p.hold()
	}
	p.ok(p.loader.Close())
	for _, l := range p.loads {
		l.cancel()
		if l.want == nil {
			l.want = &end{err: courier.ErrClosed}
		}
		p.wait(l)
		p.ok(l.request.Close())
	}
	switch report := left(); {
	case report == "":
	case p.late:
		p.broken("REQ-19", "nothing is left of an answer that came late", report)
	default:
		p.t.Fatal(report)
	}
}
