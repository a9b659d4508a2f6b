package martlet

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"time"
)

// Delivery is one event to one webhook, as the delivery log holds it.
type Delivery struct {
	// ID is "dlv_...".
	ID, EventID, EventType, WebhookID, Tenant string
	Tag                                       uint64
	// State is "pending", "inFlight", "succeeded", "failed", "expired" or "canceled".
	State string
	// Test: it was made by [Engine.TestWebhook].
	Test bool
	// RedeliveryOf is the delivery that this one repeats, or empty.
	RedeliveryOf string
	CreatedAt    time.Time
	// SettledAt is nil while it is not settled, NextAttemptAt where no attempt waits for its time.
	SettledAt, NextAttemptAt *time.Time
	AttemptCount             int
	Attempts                 []Attempt
	// Payload is the body of the request, in what [Engine.Delivery] gives, as long as it is kept.
	Payload string
	// EventHeaders are those that came with the event, as long as the payload is kept.
	EventHeaders map[string]string
	// Document is the whole of it as the library wrote it.
	Document json.RawMessage `json:"-"`
}

// Attempt is one request of a delivery.
type Attempt struct {
	// Number counts from 1.
	Number     int
	StartedAt  time.Time
	DurationMs float64
	// Status is the HTTP status, 0 without an answer.
	Status int
	// ErrorClass is empty after a success, else such as "timeout" or "http_status"; Error says more where there is
	// more.
	ErrorClass, Error string
	// Response is the beginning of what the receiver answered.
	Response string
}

// DeliveryQuery chooses deliveries. Zero fields choose nothing.
type DeliveryQuery struct {
	// State is one of those of a [Delivery], "undelivered" for pending and in flight, or "any".
	State     string
	WebhookID string
	EventID   string
	EventType string
	// CreatedAfter includes its own time, CreatedBefore does not.
	CreatedAfter, CreatedBefore time.Time
	// Limit is the size of a page, 1 to 1000, of [Engine.Deliveries].
	Limit int
	// PerSecond is how many deliveries a second go to each webhook, of [Engine.Replay].
	PerSecond float64
	// Extra are keys that this package has no field for.
	Extra map[string]any
}

// Replayed tells what a replay has queued.
type Replayed struct {
	Replayed int `json:"replayed"`
	// Skipped were not queued: their payload is no longer kept, or their webhook is deleted or disabled.
	Skipped int `json:"skipped"`
	// DurationSeconds is the time over which they are spread.
	DurationSeconds float64 `json:"durationSeconds"`
}

// Deliveries goes over the deliveries that match a query, the newest first, a page at a time, until the context ends.
func (e *Engine) Deliveries(ctx context.Context, query DeliveryQuery) *Iterator[Delivery] {
	keys := query.keys()
	return &Iterator[Delivery]{page: func(cursor string) ([]Delivery, string, error) {
		defer runtime.KeepAlive(e)
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		text, err := marshal(keys.with("cursor", cursor, cursor != ""))
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Deliveries []json.RawMessage
			Cursor     string
		}
		if err := into(C.glue_deliveries(e.handle, pointer(text), C.size_t(len(text))), &page); err != nil {
			return nil, "", err
		}
		deliveries := make([]Delivery, len(page.Deliveries))
		for i, text := range page.Deliveries {
			if deliveries[i], err = delivery(text, nil); err != nil {
				return nil, "", err
			}
		}
		return deliveries, page.Cursor, nil
	}}
}

// Delivery reads one with its attempts and its payload. ErrNotFound also for one so old that it has left the log.
func (e *Engine) Delivery(id string) (Delivery, error) {
	defer runtime.KeepAlive(e)
	return delivery(take(C.glue_delivery_get(e.handle, id)))
}

// Redeliver sends the event of a settled delivery to its webhook once more, as a new delivery whose id it gives.
func (e *Engine) Redeliver(id string) (string, error) {
	defer runtime.KeepAlive(e)
	return takeID(C.glue_redeliver(e.handle, id))
}

// Replay redelivers all settled deliveries that match a query, those that failed where it names no state, spread over
// time. With ErrQueueFull the text tells how many went in, and the same call later takes up the rest.
func (e *Engine) Replay(query DeliveryQuery) (Replayed, error) {
	defer runtime.KeepAlive(e)
	var replayed Replayed
	text, err := marshal(query.keys())
	if err != nil {
		return replayed, err
	}
	err = into(C.glue_replay(e.handle, pointer(text), C.size_t(len(text))), &replayed)
	return replayed, err
}

// CancelDelivery cancels a delivery that is not settled. One in flight is tried no more. ErrWrongState for a settled
// one.
func (e *Engine) CancelDelivery(id string) error {
	defer runtime.KeepAlive(e)
	_, err := take(C.glue_delivery_cancel(e.handle, id))
	return err
}

// CancelDeliveries cancels every delivery that matches a query and is not settled, and tells how many.
func (e *Engine) CancelDeliveries(query DeliveryQuery) (int, error) {
	defer runtime.KeepAlive(e)
	text, err := marshal(query.keys())
	if err != nil {
		return 0, err
	}
	result := C.glue_deliveries_cancel(e.handle, pointer(text), C.size_t(len(text)))
	return int(result.accepted), newError(result.status, result.error)
}

func delivery(text []byte, err error) (Delivery, error) {
	delivery := Delivery{Document: text}
	if err == nil {
		err = json.Unmarshal(text, &delivery)
	}
	return delivery, err
}

// keys is a document.
type keys map[string]any

func newKeys(extra map[string]any) keys {
	if extra == nil {
		return keys{}
	}
	return extra
}

// with is the document with one key more where a condition holds.
func (k keys) with(key string, value any, holds bool) keys {
	if !holds {
		return k
	}
	more := keys{key: value}
	for key, value := range k {
		if _, has := more[key]; !has {
			more[key] = value
		}
	}
	return more
}

func (q DeliveryQuery) keys() keys {
	return newKeys(q.Extra).
		with("state", q.State, q.State != "").
		with("webhookId", q.WebhookID, q.WebhookID != "").
		with("eventId", q.EventID, q.EventID != "").
		with("eventType", q.EventType, q.EventType != "").
		with("createdAfter", q.CreatedAfter, !q.CreatedAfter.IsZero()).
		with("createdBefore", q.CreatedBefore, !q.CreatedBefore.IsZero()).
		with("limit", q.Limit, q.Limit != 0).
		with("perSecond", q.PerSecond, q.PerSecond != 0)
}
