/*
Package courier loads resources by URL: through a provider that the application supplies, or from data:
URLs and files under a root directory. It is the Go binding of the native library of the same name.

There are two ways to use it. A program that has a thread for it, such as one with a main loop, makes a
[Runtime] there:

	runtime.LockOSThread() // the runtime will belong to this thread
	defer runtime.UnlockOSThread()

	rt, err := courier.NewRuntime(courier.Root("assets"))
	if err != nil {
		return err
	}
	defer rt.Close()
	session, err := rt.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	if _, err := session.Load("file:///logo.png"); err != nil {
		return err
	}
	// ... then Pump and Drain until the load's event arrives.

All others have a [Loader] do that for them:

	loader, err := courier.NewLoader(nil, courier.Root("assets"))
	if err != nil {
		return err
	}
	defer loader.Close()
	logo, err := loader.Load(ctx, "file:///logo.png")

# Threads

The OS thread that creates a [Runtime] is its owner. All methods of a [Runtime] and of its [Session]s
belong to that thread; on another one they do nothing and return [ErrWrongThread]. A thread owns one
runtime at a time.

A goroutine is not a thread. The Go scheduler may continue a goroutine on a different OS thread at
almost any point, so code that "stays in one goroutine" still changes threads. A goroutine that owns a
runtime calls [runtime.LockOSThread] before it creates the runtime, and unlocks only after it has
closed it.

The binding does not hide this. Each call runs on the goroutine, and so on the thread, of its caller,
and is never sent elsewhere. [Request], [Blob] and [WakeSource] may be used and closed on any goroutine,
and so may everything that has no receiver, such as [SetLogger].

Calls into the library occupy an OS thread. [Runtime.Pump] waits there, and no context ends that: a
[WakeSource] does, and [context.AfterFunc] can signal one. [Runtime.SetProvider], [Runtime.SetWake],
[SetLogger] and the Close methods wait for callbacks that are running, which nothing interrupts.

# The owner helper

An [Owner] is built from the rest of the package, and adds nothing that a program could not do itself. Its
goroutine is locked to a thread of its own, where it creates the runtime, runs the jobs that other
goroutines submit, hands out events, and closes the runtime. It waits in Go, so that waits with a context
hold no OS thread.

[Owner.Do] waits for its job and returns what it returned; a panic in the job comes back to the caller.
[Owner.Post] does not wait. In a job everything of the runtime may be used, except what the owner does
itself: draining and closing it, and its wake function. An owner decides nothing: it starts no load, closes
no session, and orders nothing but its queue.

A [Loader] is built on an owner. [Loader.Load] waits for a load and gives its bytes, for any number of
goroutines at the same time: what the runtime has no room for waits.

# Handles

Runtimes, sessions, requests, blobs and wake sources stand for native objects. Each must be closed, and an
Owner or Loader as well. Closing a closed handle is fine and does nothing. Every other method of a closed
handle returns [ErrClosed] without calling the library; only [Session.ID] still answers. The zero value of
each counts as closed. Handles must not be copied.

Close of a request, blob or wake source waits for calls on other goroutines that are in flight, releases
the native object exactly once, and cannot fail, except that a callback is told when it would wait for
itself. Inside a callback Close does not wait for other goroutines, which may be waiting for that callback:
the last call in flight releases the object. Close of a runtime or session can be refused, for example on a
wrong thread or while a runtime has open sessions. The handle is open and intact then, and Close can be
called again.

Sessions end before their runtime; requests, blobs and wake sources may outlive it. A request whose load
has ended, or whose runtime is gone, still has to be closed by the provider that took it.

# Leaks

The garbage collector does not close handles: it works on threads of its own, and most handles belong to
one. It finds those that were forgotten, and [SetLeakHandler] tells of each once; [TraceLeaks] adds where
it was made. Blobs and wake sources can be released on any thread at any time, and are when their leak is
found. The native objects of the others stay, and so do the goroutine, the thread and the runtime of an
Owner: only its Close can end them, on their own thread.

A handle that an installed callback refers to is in use, and is not found. Handles that refer to each
other are.

# Memory

Strings and byte slices given to a method may be reused when it has returned. Those that a method
returns, or that a provider is given, belong to the receiver: nothing refers to native memory.

The one exception is [Session.Attach], which lends memory of Go's to the library for longer than a call.
Memory of Go's is pinned: the collector neither moves nor frees it, even if the program has forgotten it, until
[Session.Detach] or Close of the session has succeeded. Until then only the library writes there, on
whatever thread ends a load, and the program must not look: [Session.Snapshot] does that for it. If the
session is leaked the memory stays pinned, because the library may still write to it.

[NativePointer] is the address of an object that is neither Go's nor this library's, such as a window of
the platform. It is a number here: it keeps nothing alive, is never followed, and becomes a pointer only
in the call that hands it to the library. An address of Go memory does not belong in it.

# Errors

Use [errors.Is] with the categories, such as [ErrInvalidState], to tell errors apart. They are of type
[*Error] and carry the library's own message. What is of one category has different words: a full queue and
a runtime with open sessions are both an invalid state, and [Error.Word] is "queue-full" and "live-children".
The library's header lists the words.

These errors are not an [*Error]: the [*LoadError] with which [Loader.Load] tells why a load has no result;
the error of a context that has ended a wait, which comes as it is; and an error that a job has returned to
[Owner.Do]. A panic in a job becomes a panic with a [*JobPanic].

What a library returns that does not keep its own rules, such as a size that no memory has, is an
[ErrNative], and nothing is done with it. Numbers without a name, of a newer library, are kept.

# Callbacks

The library calls four kinds of functions:

	function         on                                        until
	Provider         a thread of the library, several at       replaced, cleared, or the runtime closed
	                 once; the owner thread inside Step
	OnCancel's       the owner thread, inside Cancel, Pump     called, or its request completed or closed
	                 or Close of the session
	SetWake's        any thread, several at once               replaced, cleared, or the runtime closed
	SetLogger's      any thread, several at once               replaced or cleared

When the call that replaces, clears or closes has returned, no call of the old function runs any more and
none comes later. So a callback must not wait for the goroutine that makes such a call: neither would end.
Callbacks may close each other's requests and wake sources, in any order: of two functions of OnCancel that
close each other's request, on two owner threads, one does not wait for the other, which is still running
then.

Inside a callback, methods of requests, blobs and wake sources work as anywhere. Methods of runtimes and
sessions, [NewRuntime] and [SetLogger] are refused, with [ErrInvalidState] or [ErrWrongThread].
[Owner.Do], [Loader.Load] and the Close of both are refused with [ErrInvalidState], because the owner may be
waiting for the callback; [Owner.Post] is allowed. In jobs, those of them are refused that would have owners
wait for each other in a circle. Callbacks and jobs are known by their thread: a goroutine that one of them
starts, and waits for, is not recognized.

A panic in a callback is contained, and [SetPanicHandler] tells who wants to know. A provider that panics
has answered [Fail]: the load fails unless it was completed, and the request is closed. [runtime.Goexit] in
such a callback cannot be contained and ends the process; the FailNow and Fatal methods of package testing
call it. In a job, an event handler, a leak handler or a panic handler outside these callbacks, it ends only
that call: see [Owner.Do].
*/
package courier
