package courier_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/cgolab/cgolab/go-harness/courier"
)

// Without a thread of one's own: a Loader loads for any goroutine.
func ExampleLoader_Load() {
	loader, err := courier.NewLoader(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer loader.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body, err := loader.Load(ctx, "data:,hello%20courier")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", body)

	_, err = loader.Load(ctx, "gopher://example.org/")
	var failed *courier.LoadError
	if errors.As(err, &failed) {
		fmt.Println(failed.Failure)
	}
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output:
	// hello courier
	// unsupported
	// true
}

// A context ends the wait for a load, and cancels it.
func ExampleLoader_Load_context() {
	loader, err := courier.NewLoader(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer loader.Close()

	ctx, cancel := context.WithCancel(context.Background())
	err = loader.Owner().Do(ctx, func(rt *courier.Runtime) error {
		return rt.SetProvider(func(request *courier.Request, url string) courier.Decision {
			if cancelled, err := request.OnCancel(func() { _ = request.Close() }); cancelled || err != nil {
				return courier.Pass
			}
			cancel() // nobody waits any more
			return courier.Handle
		})
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = loader.Load(ctx, "app:slow")
	fmt.Println(err)
	// Output: context canceled
}

// A job may use everything that belongs to the owner's thread.
func ExampleOwner_Do() {
	events := make(chan courier.Event, 1)
	owner, err := courier.NewOwner(func(_ *courier.Runtime, event courier.Event) { events <- event })
	if err != nil {
		log.Fatal(err)
	}
	defer owner.Close()

	ctx := context.Background()
	var session *courier.Session
	err = owner.Do(ctx, func(rt *courier.Runtime) (err error) {
		if session, err = rt.NewSession(); err != nil {
			return err
		}
		_, err = session.Load("data:,by%20event")
		return err
	})
	if err != nil {
		log.Fatal(err)
	}

	event := <-events
	defer event.Payload.Close() // a blob belongs to no thread
	body, err := event.Payload.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s\n", event.Kind, body)

	if err := owner.Do(ctx, func(*courier.Runtime) error { return session.Close() }); err != nil {
		log.Fatal(err)
	}
	// Output: completed: by event
}
