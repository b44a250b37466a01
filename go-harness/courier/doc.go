/*
Package courier loads resources by URL: through a provider that the application supplies, or from files
under a root directory. It is the Go binding of the native library of the same name.

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

# Threads

The thread that creates a [Runtime] is its owner. All methods of a [Runtime] and of its [Session]s
belong to that OS thread; on another one they do nothing and return [ErrWrongThread].

A goroutine is not a thread. The Go scheduler may continue a goroutine on a different OS thread at
almost any point, so code that "stays in one goroutine" still changes threads. A goroutine that owns a
runtime calls [runtime.LockOSThread] before it creates the runtime, and unlocks only after it has
closed it.

The binding does not hide this. Each call runs on the goroutine, and so on the thread, of its caller,
and is never sent elsewhere. [Request], [Blob] and [WakeSource] may be used and closed on any goroutine.

# Handles

Runtimes, sessions, requests, blobs and wake sources stand for native objects. Each must be closed; the
garbage collector does not do it. Closing a closed handle is fine and does nothing. Every other method
of a closed handle returns [ErrClosed] without calling the library; only [Session.ID] still answers.
Handles must not be copied.

Close of a request, blob or wake source cannot fail, waits for calls on other goroutines that are in
flight, and releases the native object exactly once. Close of a runtime or session can be refused, for
example on a wrong thread or while a runtime has open sessions. The handle is open and intact then, and
Close can be called again.

# Memory

Strings and byte slices given to a method may be reused when it has returned. Those that a method
returns, or that a provider is given, belong to the receiver: nothing refers to native memory.

# Errors

Errors of the library are of type [*Error] and carry the library's own message, which begins with a word
in brackets that programs may rely on. Use [errors.Is] with the categories, such as [ErrInvalidState],
to tell them apart.

# Callbacks

A [Provider] is called on threads of the library, several at once, or inside [Runtime.Step]. A panic in
it is contained: the load fails unless the provider has completed it, the request is closed, and
[SetPanicHandler] tells who wants to know. [runtime.Goexit] in it
cannot be contained and ends the process; the FailNow and Fatal methods of package testing call it.
*/
package courier
