package triage

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
)

// wait blocks for ever on a channel that nobody else knows.
func wait(started chan<- bool) {
	started <- true
	<-make(chan int)
}

// oneWaits starts a goroutine that a report has to show.
func oneWaits() {
	started := make(chan bool)
	go wait(started)
	<-started
}

func TestPass(t *testing.T)              {}
func TestFail(t *testing.T)              { t.Error("an ordinary failure") }
func TestExit(t *testing.T)              { os.Exit(3) }
func TestSegfault(t *testing.T)          { oneWaits(); t.Log(segfault()) }
func TestSegfaultOnAThread(t *testing.T) { segfaultOnAThread() }
func TestAbort(t *testing.T)             { aborts() }
func TestException(t *testing.T)         { throws() }
func TestStackOverflow(t *testing.T)     { t.Log(overflowsTheStack()) }
func TestFreedMemory(t *testing.T)       { t.Log(usesFreedMemory()) }
func TestGoPanic(t *testing.T)           { panic("nobody recovers this") }

func TestPanicInACallback(t *testing.T) {
	callsBack(func() { panic("nobody recovers this either") })
}

func TestRecoveredNil(t *testing.T) {
	defer func() { t.Log(recover()) }()
	var nothing *int
	t.Log(*nothing)
}

func TestRace(t *testing.T) {
	var shared int
	done := make(chan bool)
	go func() { shared++; done <- true }()
	shared++
	<-done
}

func TestOutOfMemory(t *testing.T) {
	debug.SetGCPercent(-1)
	var held [][]byte
	for {
		held = append(held, make([]byte, 1<<40))
	}
}

// One goroutine holds the lock of C and waits for a channel; the only one that could send on it
// waits for the lock.
func TestDeadlock(t *testing.T) {
	channel, inside := make(chan int), make(chan bool)
	go callsBackWithTheLock(func() {
		inside <- true
		<-channel
	})
	<-inside
	takesTheLock()
	channel <- 1
}

func recurses(depth int) int { return recurses(depth+1) + depth }

func TestGoStackOverflow(t *testing.T) { t.Log(recurses(0)) }

func TestWaits(t *testing.T) {
	fmt.Println("waiting for standard input")
	io.Copy(io.Discard, os.Stdin)
}

// Signals that stop nothing, that stop a process, that end one, and the one of debuggers, each sent by the program to
// itself.
func TestOwnSignals(t *testing.T) {
	for _, own := range []syscall.Signal{
		syscall.SIGWINCH, syscall.SIGIO, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGTSTP,
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGSYS, syscall.SIGTRAP, syscall.Signal(40),
	} {
		came := make(chan os.Signal, 1)
		signal.Notify(came, own)
		syscall.Kill(os.Getpid(), own)
		if it := <-came; it != own {
			t.Errorf("%v came in place of %v", it, own)
		}
		signal.Stop(came)
	}
}

// TestContinues takes stops back that a debugger has just asked its threads for: it sends itself SIGCONT while threads
// begin and end.
func TestContinues(t *testing.T) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGCONT)
	for range 50 {
		done := make(chan bool)
		go func() {
			runtime.LockOSThread()
			syscall.Kill(os.Getpid(), syscall.SIGCONT)
			close(done)
		}()
		<-done
	}
}

// TestExitsWhileThreadsBegin ends with code 0 when the debugger has just been told of a thread.
func TestExitsWhileThreadsBegin(t *testing.T) {
	begins := make(chan bool, 1)
	for range 4 {
		go func() {
			for {
				go func() {
					runtime.LockOSThread()
					select {
					case begins <- true:
					default:
					}
				}()
				runtime.Gosched()
			}
		}()
	}
	for range 30 {
		<-begins
	}
	os.Exit(0)
}

func TestReadsFromTheTerminal(t *testing.T) {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := terminal.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// TestLeavesAChild has a child in a session of its own, and waits for ever.
func TestLeavesAChild(t *testing.T) {
	child := exec.Command("sleep", "600")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("child", child.Process.Pid)
	child.Wait()
}
