package martlet

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"time"
)

// What the library adds to the user agent.
const bindingName = "martlet-go/0.1.0"

// Engine is one instance of the library: its own threads, queue and webhooks. A process may have several.
//
// All methods may be called by any goroutine at any time. After [Engine.Close] they give [ErrClosed].
type Engine struct {
	// A number, see glue.h. The library answers ErrClosed for one that was freed.
	handle C.uintptr_t

	mutex  sync.Mutex
	reader *outcomeReader
	log    *logReader
	isShut bool

	closing sync.Once
}

// Open starts an engine. Give it back with [Engine.Close].
//
// The context is looked at before; it does not end the engine. One that is forgotten instead of closed delivers what it
// accepted and ends when it is collected: a safety net, not a way to end.
//
// Errors: ErrInvalidDocument for an unknown key or a value outside its range, which the text names; ErrInUse,
// ErrStorage and ErrStorageFull about the data directory; ErrOutOfResources.
func Open(ctx context.Context, config Config) (*Engine, error) {
	text, err := document(config, config.Extra)
	if err != nil {
		return nil, err
	}
	return OpenJSON(ctx, text)
}

// OpenJSON starts an engine with a configuration that is JSON already; the library reads it as it is.
func OpenJSON(ctx context.Context, config []byte) (*Engine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if versionError != nil {
		return nil, versionError
	}
	engine := &Engine{}
	result := C.glue_open(bindingName, pointer(config), C.size_t(len(config)), &engine.handle)
	if err := newError(result.status, result.error); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(engine, func(forgotten *Engine) { go forgotten.finish() })
	return engine, nil
}

// finish is the end of an engine that nobody can reach any more: what it accepted is delivered all the same.
func (e *Engine) finish() {
	for Code(C.glue_flush(e.handle, C.int64_t(time.Minute/time.Millisecond))) == ErrTimedOut {
	}
	C.glue_close(e.handle, 0)
	if e.log != nil {
		e.log.finish()
	}
	C.glue_free(e.handle)
}

// A flush that watches a context looks at it as often. Each look is a call of C that sleeps so long.
const flushSlice = 50 * time.Millisecond

// Longer than any host waits, and far from overflowing in the library: a year.
const forever = 365 * 24 * time.Hour

// Flush waits until all accepted events are settled, those too that are pushed while it waits.
//
// When the context ends first, the error is ErrTimedOut as well as the context's own, and the work goes on.
func (e *Engine) Flush(ctx context.Context) error {
	defer runtime.KeepAlive(e)
	for {
		slice := forever
		if ctx.Done() != nil {
			slice = flushSlice
		}
		if deadline, has := ctx.Deadline(); has {
			slice = atLeastZero(minimum(slice, time.Until(deadline)))
		}
		status := C.glue_flush(e.handle, milliseconds(slice))
		if Code(status) != ErrTimedOut {
			return newError(status, nil)
		}
		if err := ctx.Err(); err != nil {
			return &Error{Code: ErrTimedOut, Text: "events are still pending", context: err}
		}
	}
}

// Shutdown ends the engine in good order: it refuses new events at once, waits until those accepted are settled, and
// cancels what is left when the context ends; then the error is ErrTimedOut as well as the context's own.
//
// Outcomes, the delivery log, webhooks and statistics can still be read until [Engine.Close]. It may be called again.
func (e *Engine) Shutdown(ctx context.Context) error {
	defer runtime.KeepAlive(e)
	ended := make(chan C.int32_t, 1)
	go func() { ended <- C.glue_close(e.handle, milliseconds(forever)) }()
	var err error
	select {
	case status := <-ended:
		err = newError(status, nil)
	case <-ctx.Done():
		// This cuts the other call short.
		if status := C.glue_close(e.handle, 0); Code(status) == ErrTimedOut {
			err = &Error{Code: ErrTimedOut, Text: "what was pending is canceled", context: ctx.Err()}
		} else {
			err = newError(status, nil)
		}
		<-ended
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.isShut = true
	if e.reader != nil {
		e.reader.finish()
	}
	return err
}

// Close ends the engine at once and gives back all it holds. Events that are not settled are canceled and outcomes that
// were not received are gone: call [Engine.Shutdown] before to have them. Closing again does nothing. The error is
// always nil.
func (e *Engine) Close() error {
	e.closing.Do(func() {
		runtime.SetFinalizer(e, nil)
		C.glue_close(e.handle, 0)
		e.mutex.Lock()
		defer e.mutex.Unlock()
		e.isShut = true
		if e.reader != nil {
			e.reader.stop()
		}
		if e.log != nil {
			e.log.finish()
		}
		C.glue_free(e.handle)
	})
	return nil
}

// EventTypes lists the types that can be pushed, built in and configured.
func (e *Engine) EventTypes() ([]EventType, error) {
	defer runtime.KeepAlive(e)
	var listing struct {
		EventTypes []struct {
			EventType, Title, Category, Description string
			Sample                                  json.RawMessage
		}
	}
	if err := into(C.glue_event_types(e.handle), &listing); err != nil {
		return nil, err
	}
	types := make([]EventType, 0, len(listing.EventTypes))
	for _, entry := range listing.EventTypes {
		kind := EventType{
			Name: entry.EventType, Title: entry.Title, Category: entry.Category, Description: entry.Description,
		}
		if string(entry.Sample) != "null" && entry.Sample != nil {
			kind.Sample = entry.Sample
		}
		types = append(types, kind)
	}
	return types, nil
}

// AddEventType adds a type while the engine runs: events of it can be pushed when the call returns.
func (e *Engine) AddEventType(kind EventType) error {
	defer runtime.KeepAlive(e)
	text, err := kind.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = take(C.glue_event_type_add(e.handle, pointer(text), C.size_t(len(text))))
	return err
}

func milliseconds(duration time.Duration) C.int64_t {
	return C.int64_t((duration + time.Millisecond - 1) / time.Millisecond)
}

func minimum(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}

func atLeastZero(duration time.Duration) time.Duration {
	if duration < 0 {
		return 0
	}
	return duration
}
