package martlet

// #include "glue.h"
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

// Event is something that happened, to be told to the webhooks that want it.
type Event struct {
	// Type is an event type of the catalog, such as "call.completed".
	Type string
	// Data is what happened: a json.RawMessage, which reaches the receivers byte for byte, or a value for
	// encoding/json. A []byte is refused, which encoding/json would make base64 of: say json.RawMessage(data).
	Data any
	// Tag comes back with the outcomes of this event.
	Tag uint64

	// ID is an id of your own, at most 64 bytes: an event pushed again under it is a duplicate. Empty for a new one.
	ID string
	// CreatedAt is when it happened. The zero time stands for now.
	CreatedAt time.Time
	// Tenant is whose event it is: it reaches only webhooks of the same tenant.
	Tenant string
	// Key: webhooks with ordering by key get events with the same key one after the other.
	Key string
	// ExpirySeconds is how long after the push it may still be sent; 0 for as long as the webhook says.
	ExpirySeconds float64
	// Headers go out with this event alone.
	Headers map[string]string
	// Extra are keys that this package has no field for.
	Extra map[string]any
}

// Receipt tells what became of a push.
type Receipt struct {
	// ID is the event's id: your own, or a new one.
	ID string
	// Duplicate: an event of this id was accepted before, and nothing is delivered again.
	Duplicate bool
}

// Pushed counts what became of many events.
type Pushed struct {
	// Accepted does not count the duplicates.
	Accepted, Duplicates int
}

// Push hands an event over: checks it, matches it with the webhooks and queues a delivery for each. It does no network
// work and waits for none. Without an error it is accepted: each delivery is made, or reported as failed, expired or
// canceled.
//
// The context is looked at before; a push never waits.
//
// Errors: ErrQueueFull, push again when outcomes have arrived; ErrUnknownEventType; ErrInvalidJSON; ErrTooLarge;
// ErrInvalidDocument; ErrClosed; or that of encoding/json about Data.
func (e *Engine) Push(ctx context.Context, event Event) (Receipt, error) {
	defer runtime.KeepAlive(e)
	if err := ctx.Err(); err != nil {
		return Receipt{}, err
	}
	if event.isPlain() {
		data, err := event.data()
		if err != nil {
			return Receipt{}, err
		}
		result := C.glue_push(e.handle, event.Type, pointer(data), C.size_t(len(data)), C.uint64_t(event.Tag))
		id, err := takeID(result)
		return Receipt{ID: id}, err
	}
	document, err := event.appendTo(nil)
	if err != nil {
		return Receipt{}, err
	}
	result := C.glue_push_event(e.handle, pointer(document), C.size_t(len(document)))
	id, err := takeID(result)
	return Receipt{ID: id, Duplicate: result.duplicate != 0}, err
}

// PushMany hands over many events with one call of the library. They are taken in order, and the first one that is
// refused ends it: those before it stay accepted, and are counted also with an error. Go on behind them.
//
// Line breaks in a json.RawMessage become blanks on the way; [Engine.Push] leaves them.
//
// Errors: those of Push; the text names the event, the first is line 1. Data that has no JSON form ends it before any event
// is pushed.
func (e *Engine) PushMany(ctx context.Context, events []Event) (Pushed, error) {
	defer runtime.KeepAlive(e)
	if err := ctx.Err(); err != nil {
		return Pushed{}, err
	}
	pooled := lineBuffers.Get().(*[]byte)
	lines := (*pooled)[:0]
	defer func() {
		if cap(lines) <= mostKeptBytes {
			*pooled = lines
		}
		lineBuffers.Put(pooled)
	}()
	for i := range events {
		var err error
		if lines, err = events[i].appendTo(lines); err != nil {
			return Pushed{}, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return e.pushLines(lines)
}

// Buffers for the lines of PushMany: fresh ones would be cleared and collected each time. A larger one is not kept.
var lineBuffers = sync.Pool{New: func() any { return new([]byte) }}

const mostKeptBytes = 4 << 20

// PushJSON hands over events that are JSON documents already, one a line, as the configuration reference describes
// them; the library reads them as they are. Otherwise it is as [Engine.PushMany].
func (e *Engine) PushJSON(ctx context.Context, lines []byte) (Pushed, error) {
	defer runtime.KeepAlive(e)
	if err := ctx.Err(); err != nil {
		return Pushed{}, err
	}
	return e.pushLines(lines)
}

func (e *Engine) pushLines(lines []byte) (Pushed, error) {
	result := C.glue_push_json(e.handle, pointer(lines), C.size_t(len(lines)))
	pushed := Pushed{Accepted: int(result.accepted), Duplicates: int(result.duplicates)}
	return pushed, newError(result.status, result.error)
}

// isPlain: the library's quick way in takes these alone.
func (e *Event) isPlain() bool {
	return e.ID == "" && e.CreatedAt.IsZero() && e.Tenant == "" && e.Key == "" && e.ExpirySeconds == 0 &&
		e.Headers == nil && e.Extra == nil
}

func (e *Event) data() ([]byte, error) {
	if raw, isRaw := e.Data.(json.RawMessage); isRaw && raw != nil {
		return raw, nil
	}
	if _, isBytes := e.Data.([]byte); isBytes {
		return nil, &Error{Code: ErrInvalidArgument, Text: "Data is a []byte: give ready JSON as json.RawMessage"}
	}
	return marshal(e.Data)
}

// appendTo appends the event's document and a line break.
func (e *Event) appendTo(line []byte) ([]byte, error) {
	line = append(line, `{"eventType":`...)
	line = appendString(line, e.Type)
	for _, field := range [...]struct{ key, value string }{{"id", e.ID}, {"tenant", e.Tenant}, {"key", e.Key}} {
		if field.value != "" {
			line = append(append(append(line, `,"`...), field.key...), `":`...)
			line = appendString(line, field.value)
		}
	}
	if !e.CreatedAt.IsZero() {
		line = append(line, `,"createdAt":"`...)
		line = append(e.CreatedAt.UTC().AppendFormat(line, time.RFC3339Nano), '"')
	}
	if e.Tag != 0 {
		line = strconv.AppendUint(append(line, `,"tag":`...), e.Tag, 10)
	}
	if e.ExpirySeconds != 0 {
		line = strconv.AppendFloat(append(line, `,"expirySeconds":`...), e.ExpirySeconds, 'g', -1, 64)
	}
	if e.Headers != nil {
		headers, err := marshal(e.Headers)
		if err != nil {
			return line, err
		}
		line = append(append(line, `,"headers":`...), headers...)
	}
	if len(e.Extra) != 0 {
		extra, err := marshal(e.Extra)
		if err != nil {
			return line, err
		}
		line = append(append(line, ','), extra[1:len(extra)-1]...)
	}
	data, err := e.data()
	if err != nil {
		return line, err
	}
	line = append(line, `,"data":`...)
	start := len(line)
	line = append(line, data...)
	if _, isRaw := e.Data.(json.RawMessage); isRaw && !isOneValue(line[start:]) {
		return line, &Error{Code: ErrInvalidJSON, Text: "data is not one JSON value"}
	}
	return append(line, '}', '\n'), nil
}

// isOneValue tells whether text ends where its first JSON value does, as far as brackets and quotes tell: so it cannot
// add keys to the document around it. The library checks the rest. Line breaks become tabs, which are blanks as well
// outside of strings, and as wrong inside.
func isOneValue(text []byte) bool {
	for i := bytes.IndexByte(text, '\n'); i >= 0; i = bytes.IndexByte(text, '\n') {
		text[i] = '\t'
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			length := stringLength(text[i+1:])
			if length < 0 {
				return false
			}
			i += length
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return false
			}
		case ',':
			if depth == 0 {
				return false
			}
		}
	}
	return depth == 0
}

// stringLength is how far it is behind the quote that ends a string, or -1 where none does.
func stringLength(text []byte) int {
	for i := 0; ; {
		quote := bytes.IndexByte(text[i:], '"')
		if quote < 0 {
			return -1
		}
		i += quote
		// A quote is part of the string behind an odd number of backslashes.
		backslashes := 0
		for backslashes < i && text[i-1-backslashes] == '\\' {
			backslashes++
		}
		i++
		if backslashes%2 == 0 {
			return i
		}
	}
}

// appendString appends a JSON string.
func appendString(line []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x80 || c == '"' || c == '\\' {
			quoted, _ := marshal(text) // a string always can be
			return append(line, quoted...)
		}
	}
	return append(append(append(line, '"'), text...), '"')
}

// takeID copies the id of a push, which has one where there is no error.
func takeID(result C.glue_id) (string, error) {
	if result.status != C.MARTLET_OK {
		return "", newError(result.status, result.error)
	}
	return string((*[C.MARTLET_ID_SIZE]byte)(unsafe.Pointer(&result.id))[:result.length]), nil
}
