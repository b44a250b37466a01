//go:build lab && unix

package borrow

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cgolab/cgolab/go-harness/courier"
	"github.com/cgolab/cgolab/go-harness/guard"
	"github.com/cgolab/cgolab/go-harness/watchdog"
)

var (
	workers  = map[string]courier.Option{"stepped": courier.Stepped(), "threads": courier.Threads(2)}
	contents = map[string]string{"empty": "", "short": "content", "long": strings.Repeat("content", 3000)}
)

// each runs a subtest for each kind of worker and each length of input, with a runtime.
func each(t *testing.T, test func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string)) {
	for kind, option := range workers {
		for length, content := range contents {
			content, option := content, option
			t.Run(kind+"/"+length, func(t *testing.T) {
				watchdog.Guard(t)
				runtime.LockOSThread()
				rt, err := courier.NewRuntime(option)
				must(t, err)
				session, err := rt.NewSession()
				must(t, err)
				test(t, rt, session, content)
				must(t, session.Close())
				must(t, rt.Close())
			})
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// end takes the next event with its text.
func end(t *testing.T, rt *courier.Runtime) (courier.EventKind, string) {
	t.Helper()
	for ran := true; ran; {
		ran, _ = rt.Step() // with threads it is refused
	}
	var events [1]courier.Event
	for n := 0; n == 0; {
		_, err := rt.Pump(courier.Forever)
		must(t, err)
		n, err = rt.Drain(events[:])
		must(t, err)
	}
	defer events[0].Payload.Close()
	bytes, err := events[0].Payload.Bytes()
	must(t, err)
	return events[0].Kind, string(bytes)
}

func want(t *testing.T, rt *courier.Runtime, kind courier.EventKind, text string) {
	t.Helper()
	if gotKind, got := end(t, rt); gotKind != kind || got != text {
		t.Errorf("%v with %d bytes, want %v with %d", gotKind, len(got), kind, len(text))
	}
}

// kept installs a provider that hands its requests over.
func kept(t *testing.T, rt *courier.Runtime) <-chan *courier.Request {
	requests := make(chan *courier.Request, 1)
	must(t, rt.SetProvider(func(request *courier.Request, _ string) courier.Decision {
		requests <- request
		return courier.Handle
	}))
	return requests
}

// take starts a load and returns its request.
func take(t *testing.T, rt *courier.Runtime, session *courier.Session, requests <-chan *courier.Request) *courier.Request {
	t.Helper()
	_, err := session.Load("app:a")
	must(t, err)
	_, _ = rt.Step()
	return <-requests
}

// The response is taken back before the load has ended for the one who waits for it.
func TestREQ18ResponseBytesAreCopied(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		request := take(t, rt, session, kept(t, rt))
		body := guard.Bytes(t, []byte(content))
		body.ReadOnly()
		must(t, request.Complete(body.Bytes()))
		body.Protect()
		want(t, rt, courier.Completed, content)
		must(t, request.Close())
	})
}

func TestREQ18ResponseMessagesAreCopied(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		request := take(t, rt, session, kept(t, rt))
		message := guard.String(t, content)
		message.ReadOnly()
		must(t, request.Fail(message.String()))
		message.Protect()
		want(t, rt, courier.Failed, content)
		must(t, request.Close())
	})
}

// Also one that is refused: the request, or the response, is bad.
func TestVAL02RefusedInputsAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		requests := kept(t, rt)
		id, err := session.Load("app:a")
		must(t, err)
		_, _ = rt.Step()
		cancelled := <-requests
		must(t, session.Cancel(id))
		malformed := take(t, rt, session, requests)
		inputs := []*guard.Memory{guard.String(t, content), guard.String(t, content+"\xff"), guard.String(t, "app:\xff"+content)}
		if err := cancelled.Complete(inputs[0].Bytes()); !errors.Is(err, courier.ErrInvalidState) {
			t.Error(err)
		}
		if err := malformed.Fail(inputs[1].String()); !errors.Is(err, courier.ErrInvalidArgument) {
			t.Error(err)
		}
		if _, err := session.Load(inputs[2].String()); !errors.Is(err, courier.ErrInvalidArgument) {
			t.Error(err)
		}
		for _, input := range inputs {
			input.Protect()
		}
		must(t, cancelled.Close())
		must(t, malformed.Close())
	})
}

// The URL that was lent is gone when the provider gets it.
func TestVAL02URLsAreNotTouchedAfterTheCall(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		urls := make(chan string, 1)
		entered := make(chan struct{})
		must(t, rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			<-entered
			urls <- url
			defer request.Close()
			_ = request.Complete([]byte(url))
			return courier.Handle
		}))
		url := guard.String(t, "app:"+content)
		url.ReadOnly()
		_, err := session.Load(url.String())
		must(t, err)
		url.Protect()
		close(entered)
		want(t, rt, courier.Completed, "app:"+content)
		if got := <-urls; got != "app:"+content {
			t.Errorf("the provider got %q", got)
		}
	})
}

func TestVAL02DataURLsAreNotTouchedAfterTheCall(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		url := guard.String(t, "data:,"+content)
		_, err := session.Load(url.String())
		must(t, err)
		url.Protect()
		want(t, rt, courier.Completed, content)
	})
}

// The root's path is used for each file, and borrowed only once.
func TestVAL02TheRootIsNotTouchedAfterTheCall(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600))
	for kind, option := range workers {
		option := option
		t.Run(kind, func(t *testing.T) {
			watchdog.Guard(t)
			runtime.LockOSThread()
			root := guard.String(t, dir)
			rt, err := courier.NewRuntime(option, courier.Root(root.String()))
			must(t, err)
			root.Protect()
			session, err := rt.NewSession()
			must(t, err)
			_, err = session.Load("file:///file")
			must(t, err)
			want(t, rt, courier.Completed, "content")
			must(t, session.Close())
			must(t, rt.Close())
		})
	}
}

// An attached buffer is the one thing that is lent for longer: until it is detached, and no longer.
func TestVAL02AnAttachedBufferIsNotTouchedAfterTheDetachment(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		must(t, rt.SetProvider(func(request *courier.Request, _ string) courier.Decision {
			defer request.Close()
			_ = request.Complete([]byte(content))
			return courier.Handle
		}))
		load := func() {
			_, err := session.Load("app:a")
			must(t, err)
			want(t, rt, courier.Completed, content)
		}
		buffer := guard.Bytes(t, make([]byte, len(content)))
		must(t, session.Attach(buffer.Bytes()))
		load()
		must(t, session.Detach())
		if got := string(buffer.Bytes()); got != content {
			t.Errorf("%d bytes landed in the buffer: %q", len(got), got)
		}
		buffer.Protect()
		load()
	})
}

// A loader hands the caller's text to another goroutine, which comes to it while the caller waits.
func TestVAL01ALoaderKeepsNothing(t *testing.T) {
	watchdog.Guard(t)
	loader, err := courier.NewLoader(nil, courier.Threads(2))
	must(t, err)
	must(t, loader.Owner().Do(context.Background(), func(rt *courier.Runtime) error {
		return rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			defer request.Close()
			_ = request.Complete([]byte(url))
			return courier.Handle
		})
	}))
	url := guard.String(t, "app:content")
	bytes, err := loader.Load(context.Background(), url.String())
	must(t, err)
	url.Protect()
	if string(bytes) != "app:content" {
		t.Errorf("loaded %q", bytes)
	}
	must(t, loader.Close())
}

// Memory lent to a callback is the library's, and is over when the callback returns. The text that the
// binding gives to Go is a copy: it stays what it was while the library goes on with other texts.
func TestVAL01CallbackArgumentsAreCopies(t *testing.T) {
	each(t, func(t *testing.T, rt *courier.Runtime, session *courier.Session, content string) {
		var urls, wanted []string
		got := make(chan string, 1)
		must(t, rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			got <- url
			return courier.Fail
		}))
		for _, letter := range "abcdefgh" {
			url := "app:" + content + strings.Repeat(string(letter), 100)
			_, err := session.Load(url)
			must(t, err)
			end(t, rt)
			urls, wanted = append(urls, <-got), append(wanted, url)
		}
		for i := range urls {
			if urls[i] != wanted[i] {
				t.Errorf("URL %d has become %q", i, urls[i])
			}
		}
	})
}
