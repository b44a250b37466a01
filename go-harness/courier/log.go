package courier

import (
	"fmt"
	"sync"

	"github.com/cgolab/cgolab/go-harness/courier/internal/capi"
)

// LogLevel says how important a record of the library's log is: the lower, the more.
type LogLevel int32

const (
	LogError LogLevel = capi.LogError // a contained panic: a bug
	LogWarn  LogLevel = capi.LogWarn  // a load failed
	LogInfo  LogLevel = capi.LogInfo  // a runtime came or went
	LogDebug LogLevel = capi.LogDebug // a load completed or was cancelled
)

func (l LogLevel) String() string {
	switch l {
	case LogError:
		return "error"
	case LogWarn:
		return "warning"
	case LogInfo:
		return "info"
	case LogDebug:
		return "debug"
	default:
		return fmt.Sprintf("log level %d", int32(l))
	}
}

var logger struct {
	// Held while the library exchanges one log function for another, so that they are freed in the
	// same order.
	mu sync.Mutex
	installed
}

// SetLogger has log called with each record of the library up to limit, instead of the function there is;
// nil takes it out. It returns when no call of the old one runs any more. The log is one for the whole
// process, and log is called on any thread, several at once. What it makes the library log is not
// delivered. Inside a callback SetLogger fails with [ErrInvalidState]. Any goroutine may call it.
func SetLogger(limit LogLevel, log func(level LogLevel, text string)) error {
	const op = "set logger"
	if err := checkABI(op); err != nil {
		return err
	}
	if capi.Owner() == capi.Inside {
		// Before the lock: another SetLogger may hold it and wait for this callback.
		return refuse(op, ErrInvalidState, "called inside a callback, which it might have to wait for")
	}
	logger.mu.Lock()
	defer logger.mu.Unlock()
	if log == nil {
		return wrap(op, logger.clear(capi.ClearLogCallback))
	}
	cell := capi.NewCell[capi.Log](func(level int32, text string) { log(LogLevel(level), text) })
	return wrap(op, logger.replace(cell, func(cell *capi.Cell) error {
		return capi.SetLogCallback(int32(limit), cell)
	}))
}
