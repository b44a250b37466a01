// Command driver plays a scenario on the binding. It reads a line with the setup, and then one step a line; it
// answers each with one line in JSON.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"

	"github.com/cgolab/cgolab/go-harness/internal/scenario"
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
	runtime.LockOSThread()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	if !in.Scan() {
		return fmt.Errorf("no setup: `cargo lab replay --through go` starts this program with one")
	}
	player, err := scenario.NewPlayer(in.Bytes())
	if err != nil {
		return err
	}
	for in.Scan() {
		answer, err := player.Step(in.Text())
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("%s\n", answer); err != nil {
			return err
		}
	}
	return in.Err()
}
