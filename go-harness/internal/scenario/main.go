// Command scenario carries the steps of a scenario out on the binding. It reads a line with its setup, and then
// one step a line, in the text form of docs/scenarios.md; it answers each with one line in JSON.
//
// It knows the calls, and nothing of what should come of them: whoever sends the steps judges. Lists that both
// sides must agree on (URLs, contents, the calls that a callback makes) are in the setup, so that they stand in
// one place.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/cgolab/cgolab/go-harness/courier"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "planted" {
		planted(os.Args[2])
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "scenario:", err)
		os.Exit(2)
	}
}

func serve() error {
	// A panic in a provider is part of a scenario.
	courier.SetPanicHandler(func(courier.CallbackPanic) {})
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	if !in.Scan() {
		return fmt.Errorf("no setup: `cargo lab replay --through go` starts this program with one")
	}
	w := new(world)
	if err := json.Unmarshal(in.Bytes(), &w.setup); err != nil {
		return fmt.Errorf("the setup is not what this program reads: %w", err)
	}
	lanes := map[string]lane{}
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		name, text, found := strings.Cut(in.Text(), ": ")
		if !found {
			return fmt.Errorf("%q is no step", in.Text())
		}
		step, err := parse(text)
		if err != nil {
			return err
		}
		if lanes[name] == nil {
			lanes[name] = start()
		}
		if err := out.Encode(lanes[name].do(func() observation { return w.step(step) })); err != nil {
			return err
		}
	}
	return in.Err()
}

// A lane is an OS thread, by the goroutine that is locked to it.
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
