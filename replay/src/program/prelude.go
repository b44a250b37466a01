package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// Objects, by the order in which they came to be.
var (
	runtimes []*courier.Runtime
	sessions []*courier.Session
	requests []*courier.Request
	blobs    []*courier.Blob
	sources  []*courier.WakeSource
	buffers  = map[*courier.Session][]byte{}
)

// at is an object; a handle that was never made where there is none.
func at[T any](all []*T, ordinal int) *T {
	if ordinal >= len(all) {
		return new(T)
	}
	return all[ordinal]
}

// refused has the word of a refusal.
func refused(err error) string {
	var own *courier.Error
	switch {
	case errors.As(err, &own) && own.Word != "":
		return "refused " + own.Word
	case errors.Is(err, courier.ErrClosed):
		return "closed"
	case errors.Is(err, courier.ErrAlreadyCompleted):
		return "already completed"
	case errors.Is(err, courier.ErrInvalidState):
		return "invalid state"
	default:
		return "error " + err.Error()
	}
}

func done(err error) string { return result(err, "ok") }

func result(err error, format string, values ...any) string {
	if err != nil {
		return refused(err)
	}
	return fmt.Sprintf(format, values...)
}

func made[T any](all *[]*T, object *T, err error) string {
	if err != nil {
		return refused(err)
	}
	*all = append(*all, object)
	return fmt.Sprintf("made %d", len(*all)-1)
}

// calls are those that a callback makes, of its own request.
type calls func(own int) []string

// upcalls has the callbacks since the last step.
var upcalls string

func called(inside calls, own int, kind string) {
	upcalls += fmt.Sprintf(" / %s {%s}", kind, strings.Join(inside(own), "; "))
}

// fixture is a folder with the files that scenarios load.
func fixture() string {
	outer, err := os.MkdirTemp("", "courier-")
	root := filepath.Join(outer, "root")
	for _, err := range []error{
		err,
		os.MkdirAll(filepath.Join(root, "dir"), 0o700),
		os.WriteFile(filepath.Join(root, "hello.txt"), []byte("hello, world\n"), 0o600),
		os.WriteFile(filepath.Join(root, "empty"), nil, 0o600),
		os.WriteFile(filepath.Join(root, "dir/na\u00efve name"), []byte("\x00\xff\n"), 0o600),
		os.WriteFile(filepath.Join(outer, "secret"), []byte("secret"), 0o600),
		os.Symlink("hello.txt", filepath.Join(root, "link-inside")),
		os.Symlink("../secret", filepath.Join(root, "link-outside")),
		os.Symlink("..", filepath.Join(root, "up")),
	} {
		if err != nil {
			panic(err)
		}
	}
	return root
}

func runtimeCreate(maxLoads uint32, root ...string) string {
	options := []courier.Option{courier.Stepped(), courier.MaxLoads(maxLoads)}
	for _, root := range root {
		options = append(options, courier.Root(root))
	}
	rt, err := courier.NewRuntime(options...)
	return made(&runtimes, rt, err)
}

func runtimeDestroy(rt int) string { return done(at(runtimes, rt).Close()) }

func pump(rt int, milliseconds time.Duration, budget uint32) string {
	unread, err := at(runtimes, rt).PumpSome(milliseconds*time.Millisecond, budget)
	return result(err, "unread %d", unread)
}

func step(rt int) string {
	ran, err := at(runtimes, rt).Step()
	return result(err, map[bool]string{true: "ran", false: "idle"}[ran])
}

func drain(rt, limit int) string {
	events := make([]courier.Event, limit)
	n, err := at(runtimes, rt).Drain(events)
	if err != nil {
		return refused(err)
	}
	drained := "drained"
	for _, e := range events[:n] {
		session := 0
		for sessions[session].ID() != e.Session {
			session++
		}
		drained += fmt.Sprintf(" [%d %d %d %d", session, e.Load, int32(e.Kind), int32(e.Failure))
		if e.Payload != nil {
			blobs = append(blobs, e.Payload)
			drained += fmt.Sprintf(" made %d %s", len(blobs)-1, blobRead(len(blobs)-1))
		}
		drained += "]"
	}
	return drained
}

func setProvider(rt int, inside calls, decision func() courier.Decision) string {
	return done(at(runtimes, rt).SetProvider(func(request *courier.Request, url string) courier.Decision {
		requests = append(requests, request)
		own := len(requests) - 1
		called(inside, own, fmt.Sprintf("provide %d %s", own, url))
		return decision()
	}))
}

func clearProvider(rt int) string { return done(at(runtimes, rt).ClearProvider()) }

func setWake(rt int, inside calls) string {
	return done(at(runtimes, rt).SetWake(func() { called(inside, 0, "wake") }))
}

func clearWake(rt int) string { return done(at(runtimes, rt).SetWake(nil)) }

func setLog(level courier.LogLevel, inside calls) string {
	return done(courier.SetLogger(level, func(level courier.LogLevel, _ string) {
		called(inside, 0, fmt.Sprintf("log %d", int32(level)))
	}))
}

func clearLog() string { return done(courier.SetLogger(courier.LogError, nil)) }

func wakeSourceCreate(rt int) string {
	source, err := at(runtimes, rt).NewWakeSource()
	return made(&sources, source, err)
}

func signalSource(source int) string      { return done(at(sources, source).Signal()) }
func wakeSourceRelease(source int) string { return done(at(sources, source).Close()) }

func sessionCreate(rt int) string {
	session, err := at(runtimes, rt).NewSession()
	return made(&sessions, session, err)
}

func sessionDestroy(session int) string { return done(at(sessions, session).Close()) }

// load has no deadline if milliseconds are below 0.
func load(session int, url string, milliseconds time.Duration) string {
	var options []courier.LoadOption
	if milliseconds >= 0 {
		options = append(options, courier.Deadline(milliseconds*time.Millisecond))
	}
	id, err := at(sessions, session).Load(url, options...)
	return result(err, "load %d", id)
}

func cancel(session int, load courier.LoadID) string { return done(at(sessions, session).Cancel(load)) }

func attach(session, size int) string {
	memory := []byte(strings.Repeat("\xee", size))
	err := at(sessions, session).Attach(memory)
	if err == nil {
		buffers[at(sessions, session)] = memory
	}
	return done(err)
}

func detach(session int) string {
	err := at(sessions, session).Detach()
	return result(err, "buffer %x", buffers[at(sessions, session)])
}

func snapshot(session int) string {
	blob, err := at(sessions, session).Snapshot()
	if err != nil {
		return refused(err)
	}
	blobs = append(blobs, blob)
	return fmt.Sprintf("made %d %s", len(blobs)-1, blobRead(len(blobs)-1))
}

func setSurface(session int, surface courier.NativePointer) string {
	return done(at(sessions, session).SetSurface(surface))
}

func surface(request int) string {
	surface, err := at(requests, request).Surface()
	return result(err, "surface %d", surface)
}

func nextWait(rt int) string {
	wait, err := at(runtimes, rt).NextTimeout()
	switch {
	case wait < 0:
		return result(err, "wait never")
	case wait == 0:
		return result(err, "wait now")
	case wait <= time.Millisecond:
		return result(err, "wait soon")
	default:
		return result(err, "wait later")
	}
}

func onCancel(request int, inside calls) string {
	cancelled, err := at(requests, request).OnCancel(func() { called(inside, request, "cancel") })
	return result(err, map[bool]string{true: "cancelled", false: "not cancelled"}[cancelled])
}

func complete(request int, body string) string {
	return done(at(requests, request).Complete([]byte(body)))
}

func fail(request int, message string) string { return done(at(requests, request).Fail(message)) }

func isCancelled(request int) string {
	cancelled, err := at(requests, request).Cancelled()
	return result(err, map[bool]string{true: "cancelled", false: "not cancelled"}[cancelled])
}

func requestRelease(request int) string { return done(at(requests, request).Close()) }

func blobRead(blob int) string {
	bytes, err := at(blobs, blob).Bytes()
	return result(err, "content %s", hex.EncodeToString(bytes))
}

func blobRelease(blob int) string { return done(at(blobs, blob).Close()) }

// like lets `*` stand for any text.
func like(expected, seen string) bool {
	before, after, found := strings.Cut(expected, "*")
	if !found {
		return expected == seen
	}
	if !strings.HasPrefix(seen, before) {
		return false
	}
	for end := len(before); end <= len(seen); end++ {
		if like(after, seen[end:]) {
			return true
		}
	}
	return false
}

// lanes are OS threads, by the goroutines that are locked to them.
var lanes [4]chan func()

func run(lane int, line, expected string, task func() string) {
	if lanes[lane] == nil {
		tasks := make(chan func())
		lanes[lane] = tasks
		go func() {
			runtime.LockOSThread()
			for task := range tasks {
				task()
			}
		}()
	}
	upcalls = ""
	outcome := make(chan string)
	lanes[lane] <- func() { outcome <- task() }
	if seen := <-outcome + upcalls; !like(expected, seen) {
		fmt.Printf("%s\n  expected: %s\n  seen:     %s\n", line, expected, seen)
		os.Exit(1)
	}
}

func nothing(int) []string { return nil }

func answers(decision courier.Decision) func() courier.Decision {
	return func() courier.Decision { return decision }
}

func panics() courier.Decision { panic("scripted") }
