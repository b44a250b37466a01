// Package scenario carries the steps of a scenario out on the binding.
//
// It knows the calls, and nothing of what should come of them: whoever sends the steps judges. Lists that both
// sides must agree on (URLs, contents, the calls that a callback makes) are in the setup, so that they stand in
// one place.
package scenario

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// A Player carries steps out. It is for one goroutine, which must stay on its OS thread for a whole scenario: that
// thread is lane 0, because a change of threads takes longer than a step.
type Player struct {
	setup setup
	world *world
	lanes map[string]lane
}

// NewPlayer makes a player for a setup, which is a text in JSON. From now on panics of callbacks go nowhere: one
// in a provider is part of a scenario.
func NewPlayer(setup []byte) (*Player, error) {
	courier.SetPanicHandler(func(courier.CallbackPanic) {})
	p := &Player{lanes: map[string]lane{}}
	if err := json.Unmarshal(setup, &p.setup); err != nil {
		return nil, fmt.Errorf("the setup is not what a player reads: %w", err)
	}
	p.Restart()
	return p, nil
}

// Restart begins another scenario: it forgets all objects and keeps the threads.
func (p *Player) Restart() { p.world = &world{setup: &p.setup} }

// Step carries out a step, which is a line of the text form of docs/scenarios.md, and returns what came of it in
// JSON.
func (p *Player) Step(line string) ([]byte, error) {
	name, text, found := strings.Cut(line, ": ")
	if !found {
		return nil, fmt.Errorf("%q is no step", line)
	}
	step, err := parse(text)
	if err != nil {
		return nil, err
	}
	if name == "0" {
		return json.Marshal(p.world.step(step))
	}
	if p.lanes[name] == nil {
		p.lanes[name] = start()
	}
	return json.Marshal(p.lanes[name].do(func() observation { return p.world.step(step) }))
}

// A lane is an OS thread other than the caller's, by the goroutine that is locked to it.
type lane chan func()

func start() lane {
	l := make(lane)
	go func() {
		runtime.LockOSThread()
		for f := range l {
			f()
		}
	}()
	return l
}

func (l lane) do(step func() observation) observation {
	done := make(chan observation)
	l <- func() { done <- step() }
	return <-done
}

// A call is an operation with its fields.
type call struct {
	op     string
	fields map[string]string
}

func parse(text string) (call, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return call{}, fmt.Errorf("a step without an operation")
	}
	c := call{words[0], map[string]string{}}
	for _, word := range words[1:] {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return call{}, fmt.Errorf("%q has no value", word)
		}
		c.fields[name] = value
	}
	return c, nil
}

// number is a field that is one.
func (c call) number(field string) int {
	n, err := strconv.Atoi(c.fields[field])
	if err != nil {
		panic(fmt.Sprintf("%s without %s", c.op, field))
	}
	return n
}

// own is the call of a callback, in which `own` stands for its own runtime and request.
func (c call) own(runtime, request int) call {
	of := map[string]int{"runtime": runtime, "request": request}
	fields := map[string]string{}
	for name, value := range c.fields {
		if value == "own" {
			value = strconv.Itoa(of[name])
		}
		fields[name] = value
	}
	return call{c.op, fields}
}
