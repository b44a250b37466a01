package courier

import (
	"context"
	"reflect"
	"testing"
)

// samples are arguments that calls are made with, by type.
var samples = []any{
	Forever, "app:sample", "", uint32(1), LoadID(1), NativePointer(1), []byte{1}, make([]Event, 1),
	Provider(func(*Request, string) Decision { return Pass }),
	func() {},
	func(*Runtime) {},
	func(*Runtime) error { return nil },
}

// sample is an argument of this type. A new type wants a sample above.
func sample(t *testing.T, of reflect.Type) reflect.Value {
	t.Helper()
	if of == reflect.TypeOf((*context.Context)(nil)).Elem() {
		return reflect.ValueOf(context.Background())
	}
	for _, value := range samples {
		if reflect.TypeOf(value) == of {
			return reflect.ValueOf(value)
		}
	}
	t.Fatalf("no sample of a %v", of)
	return reflect.Value{}
}

// methodsOf are the methods of a handle that can fail, without Close, each as a call with sample arguments.
// They are found by reflection: no test forgets a new one.
func methodsOf(t *testing.T, handle any) map[string]func() error {
	t.Helper()
	methods := map[string]func() error{}
	for name, method := range funcsOf(handle) {
		arguments := argumentsOf(t, method.Type())
		method := method
		methods[name] = func() error { return errorOf(method.Call(arguments)) }
	}
	return methods
}

// funcsOf is methodsOf without arguments.
func funcsOf(handle any) map[string]reflect.Value {
	value := reflect.ValueOf(handle)
	methods := map[string]reflect.Value{}
	for i := 0; i < value.NumMethod(); i++ {
		method, name := value.Method(i), value.Type().Method(i).Name
		results := method.Type().NumOut()
		fails := results > 0 && method.Type().Out(results-1) == reflect.TypeOf((*error)(nil)).Elem()
		if fails && name != "Close" {
			methods[value.Type().Elem().Name()+"."+name] = method
		}
	}
	return methods
}

// argumentsOf are samples, but for the last of a variadic function, which gets none.
func argumentsOf(t *testing.T, method reflect.Type) []reflect.Value {
	t.Helper()
	count := method.NumIn()
	if method.IsVariadic() {
		count--
	}
	var arguments []reflect.Value
	for i := 0; i < count; i++ {
		arguments = append(arguments, sample(t, method.In(i)))
	}
	return arguments
}

// errorOf is the last result.
func errorOf(results []reflect.Value) error {
	err, _ := results[len(results)-1].Interface().(error)
	return err
}

// ownerCalls are the methods that belong to the owner thread, without the Closes.
func ownerCalls(t *testing.T, rt *Runtime, session *Session) map[string]func() error {
	t.Helper()
	calls := methodsOf(t, rt)
	for name, call := range methodsOf(t, session) {
		calls[name] = call
	}
	calls["Runtime.SetWake(nil)"] = func() error { return rt.SetWake(nil) }
	return calls
}

// sharedCalls are the methods that any thread may call, without the Closes.
func (h handles) sharedCalls(t *testing.T) map[string]func() error {
	t.Helper()
	calls := map[string]func() error{}
	for _, handle := range h.releases() {
		for name, call := range methodsOf(t, handle) {
			calls[name] = call
		}
	}
	return calls
}

// publicHandles are the zero values of all types that have a Close: TestHDL24EveryTypeWithACloseIsAPublicHandle.
func publicHandles() []interface{ Close() error } {
	return []interface{ Close() error }{
		new(Runtime), new(Session), new(Request), new(Blob), new(WakeSource), new(Owner), new(Loader),
	}
}

func TestHDL25TheZeroValueOfEveryHandleCountsAsClosed(t *testing.T) {
	ownThread(t)
	calls := countCalls(t)
	for _, handle := range publicHandles() {
		for name, method := range methodsOf(t, handle) {
			t.Run(name, func(t *testing.T) { wantError(t, method(), ErrClosed, "") })
		}
		ok(t, handle.Close())
		ok(t, handle.Close())
	}
	if loader := new(Loader); loader.Owner().Post(func(*Runtime) {}) == nil {
		t.Error("the owner of no loader takes jobs")
	}
	if n := calls.total(); n != 0 {
		t.Errorf("%d calls reached C: %v", n, calls.counts)
	}
}

// Functions that may be nil, because that means something.
var nilMeans = map[string]bool{"Runtime.SetWake": true}

func TestVAL19NilFunctionsAndOptionsAreRefusedByName(t *testing.T) {
	rt := newRuntime(t, Stepped())
	session := newSession(t, rt)
	l := newLoader(t, nil)
	h := newHandles(t, rt, session)
	ok(t, rt.ClearProvider())
	seen := 0
	for _, handle := range []any{rt, session, h.request, h.blob, h.source, l, l.Owner()} {
		for name, method := range funcsOf(handle) {
			for i := 0; i < method.Type().NumIn(); i++ {
				of := method.Type().In(i)
				arguments := argumentsOf(t, method.Type())
				switch {
				case of.Kind() == reflect.Func:
					arguments[i] = reflect.Zero(of)
				case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Func: // options
					arguments = append(arguments, reflect.Zero(of.Elem()))
				default:
					continue
				}
				seen++
				err := errorOf(method.Call(arguments))
				if nilMeans[name] {
					ok(t, err)
				} else {
					wantNamed(t, name, err, ErrInvalidArgument, "")
				}
			}
		}
	}
	if seen < 7 {
		t.Errorf("%d functions and options were nil: too few", seen)
	}
	for name, create := range map[string]func() error{
		"NewRuntime": func() error { _, err := NewRuntime(nil); return err },
		"NewOwner":   func() error { _, err := NewOwner(nil, Stepped(), nil); return err },
		"NewLoader":  func() error { _, err := NewLoader(nil, nil); return err },
	} {
		wantNamed(t, name, create(), ErrInvalidArgument, "an option is nil")
	}
	ok(t, h.request.Close())
	ok(t, h.blob.Close())
	ok(t, h.source.Close())
}

// An option is a function like any other: what it does happens to the caller.
func TestVAL19AnOptionThatPanicsPanicsInItsCaller(t *testing.T) {
	panics := func(f func()) (value any) {
		defer func() { value = recover() }()
		f()
		return nil
	}
	l := newLoader(t, nil)
	for name, call := range map[string]func(){
		"NewOwner":  func() { _, _ = NewOwner(nil, panicking) },
		"NewLoader": func() { _, _ = NewLoader(nil, panicking) },
		"Load":      func() { _, _ = l.Load(context.Background(), "data:,a", panicking) },
	} {
		if value := panics(call); value != "an option" {
			t.Errorf("%s panicked with %v", name, value)
		}
	}
	if bytes, err := l.Load(context.Background(), "data:,a"); string(bytes) != "a" || err != nil {
		t.Errorf("Load = %q, %v", bytes, err)
	}
}

// panicking is an option of any kind.
func panicking[T any](*T) { panic("an option") }
