package martlet

// #include "glue.h"
import "C"

import (
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// OutcomeKind is what an outcome speaks of. Skip one that you do not know.
type OutcomeKind int32

const (
	// OutcomeDelivery: one event to one webhook is settled.
	OutcomeDelivery OutcomeKind = C.MARTLET_OUTCOME_DELIVERY
	// OutcomeEvent: all deliveries of an event are settled, or it matched no webhook.
	OutcomeEvent OutcomeKind = C.MARTLET_OUTCOME_EVENT
	// OutcomeWebhookDisabled: the library disabled a webhook.
	OutcomeWebhookDisabled OutcomeKind = C.MARTLET_OUTCOME_WEBHOOK_DISABLED
)

// State is how a delivery or event ended.
type State int32

const (
	// Succeeded: the receiver answered 2xx. An event: every delivery did, or there was none.
	Succeeded State = C.MARTLET_STATE_SUCCEEDED
	// Failed: given up. An event: at least one delivery failed.
	Failed State = C.MARTLET_STATE_FAILED
	// Expired: the deadline passed. An event: at least one delivery expired and none failed.
	Expired State = C.MARTLET_STATE_EXPIRED
	// Canceled: by the host, by deleting the webhook or by closing the engine.
	Canceled State = C.MARTLET_STATE_CANCELED
)

// Failure is why the last attempt failed.
type Failure int32

const (
	// FailureNone: the receiver answered 2xx, or the outcome is not about a delivery.
	FailureNone Failure = C.MARTLET_FAILURE_NONE
	// FailureDNS: the name could not be resolved.
	FailureDNS Failure = C.MARTLET_FAILURE_DNS
	// FailureAddressRefused: the address guard refuses every address of the receiver.
	FailureAddressRefused Failure = C.MARTLET_FAILURE_ADDRESS_REFUSED
	// FailureConnect: no connection.
	FailureConnect Failure = C.MARTLET_FAILURE_CONNECT
	// FailureTLS: the TLS handshake failed.
	FailureTLS Failure = C.MARTLET_FAILURE_TLS
	// FailureCertificate: the receiver's certificate is not trusted, has expired or is for another host.
	FailureCertificate Failure = C.MARTLET_FAILURE_CERTIFICATE
	// FailureTimeout: the deadline of the attempt passed.
	FailureTimeout Failure = C.MARTLET_FAILURE_TIMEOUT
	// FailureConnectionLost: the connection broke before the answer's headers were complete.
	FailureConnectionLost Failure = C.MARTLET_FAILURE_CONNECTION_LOST
	// FailureBadResponse: the answer is not HTTP, or its headers exceed the cap.
	FailureBadResponse Failure = C.MARTLET_FAILURE_BAD_RESPONSE
	// FailureHTTPStatus: an answer with another status than 2xx.
	FailureHTTPStatus Failure = C.MARTLET_FAILURE_HTTP_STATUS
	// FailureLocal: no request could be made, for want of memory or file descriptors.
	FailureLocal Failure = C.MARTLET_FAILURE_LOCAL
	// FailureCircuitOpen: no request was made, the circuit breaker was open.
	FailureCircuitOpen Failure = C.MARTLET_FAILURE_CIRCUIT_OPEN
	// FailureBacklogFull: no request was made, the webhook had as much pending as it may.
	FailureBacklogFull Failure = C.MARTLET_FAILURE_BACKLOG_FULL
)

// DisabledReason is why the library disabled a webhook.
type DisabledReason uint32

const (
	// DisabledGone: the receiver answered 410.
	DisabledGone DisabledReason = C.MARTLET_DISABLED_GONE
	// DisabledReceiverAsked: it answered with the header `webhook-delivery: disable`.
	DisabledReceiverAsked DisabledReason = C.MARTLET_DISABLED_RECEIVER_ASKED
	// DisabledFailing: nothing but failures for the configured time.
	DisabledFailing DisabledReason = C.MARTLET_DISABLED_FAILING
)

// Outcome tells what became of a delivery or an event. Each accepted delivery has exactly one, and each event one when
// all its deliveries are settled, as far as the configuration asks for them.
type Outcome struct {
	Kind    OutcomeKind
	State   State
	Failure Failure
	// Tag is the number given at the push.
	Tag uint64
	// SettledAt has milliseconds.
	SettledAt time.Time
	// Attempts and HTTPStatus, the last one, are 0 for an event; HTTPStatus also without an answer.
	Attempts, HTTPStatus int
	// Deliveries and Succeeded: how many an event had and how many of them succeeded.
	Deliveries, Succeeded int
	// DeliveryID and WebhookID are empty for an event.
	EventID, DeliveryID, WebhookID string
	// Reason and FailingSince, zero where there were no failures, belong to OutcomeWebhookDisabled.
	Reason       DisabledReason
	FailingSince time.Time
}

// Outcomes is where outcomes arrive, the same channel each time. It is closed after [Engine.Shutdown], when all were
// received, or by [Engine.Close].
//
// Receive them: those that wait count against the queue, and pushes are refused when it is full. From the first call on
// the engine lives until Close, also when it is forgotten.
//
// Errors: ErrWrongState where the configuration does not ask for outcomes; ErrClosed for a first call after Close.
func (e *Engine) Outcomes() (<-chan Outcome, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.reader == nil {
		var status C.int32_t
		fd := C.glue_outcomes_fd(e.handle, &status)
		if err := newError(status, nil); err != nil {
			return nil, err
		}
		file := os.NewFile(uintptr(fd), "outcomes of martlet")
		raw, err := file.SyscallConn()
		if err != nil {
			file.Close()
			return nil, err
		}
		e.reader = &outcomeReader{
			engine: e, file: file, outcomes: make(chan Outcome, outcomeBatch), stopped: make(chan struct{}),
			ended: make(chan struct{}),
		}
		go e.reader.run(raw)
		if e.isShut {
			e.reader.finish()
		}
	}
	return e.reader.outcomes, nil
}

// Outcomes that one call takes.
const outcomeBatch = 256

// outcomeReader moves outcomes from the engine to the channel. Its goroutine waits with Go's own poller.
type outcomeReader struct {
	engine   *Engine
	file     *os.File // of a duplicate of the engine's descriptor
	outcomes chan Outcome

	finishing sync.Once
	stopping  sync.Once
	stopped   chan struct{} // closed: give up what is left
	ended     chan struct{} // closed: the goroutine has ended
}

// finish lets the goroutine end when no outcome is left.
func (r *outcomeReader) finish() {
	// A deadline that has passed ends each wait, which from now on only looks.
	r.finishing.Do(func() { r.file.SetReadDeadline(time.Unix(1, 0)) })
}

// stop ends the goroutine and waits for that.
func (r *outcomeReader) stop() {
	r.stopping.Do(func() {
		close(r.stopped)
		r.file.Close()
	})
	<-r.ended
}

func (r *outcomeReader) run(raw syscall.RawConn) {
	defer close(r.ended)
	defer close(r.outcomes)
	batch := make([]C.martlet_outcome_t, outcomeBatch)
	for {
		var count C.size_t
		var status C.int32_t
		poll := func(uintptr) bool {
			status = C.glue_outcomes_poll(r.engine.handle, &batch[0], outcomeBatch, &count)
			return count != 0 || status != C.MARTLET_OK
		}
		err := raw.Read(poll)
		if os.IsTimeout(err) && count == 0 {
			// After the engine's end: the last events may take a moment to settle.
			isSettled := Code(C.glue_flush(r.engine.handle, 20)) != ErrTimedOut
			if !poll(0) && isSettled {
				return
			}
		} else if err != nil && count == 0 {
			return
		}
		if status != C.MARTLET_OK {
			return
		}
		for i := range batch[:count] {
			select {
			case r.outcomes <- outcome(&batch[i]):
			case <-r.stopped:
				return
			}
		}
	}
}

func outcome(record *C.martlet_outcome_t) Outcome {
	outcome := Outcome{
		Kind: OutcomeKind(record.kind), State: State(record.state), Failure: Failure(record.failure),
		Tag: uint64(record.tag), SettledAt: time.UnixMilli(int64(record.settled_at_ms)),
		Attempts: int(record.attempts), HTTPStatus: int(record.http_status),
		Deliveries: int(record.deliveries), Succeeded: int(record.succeeded), Reason: DisabledReason(record.reason),
	}
	if record.failing_since_ms != 0 {
		outcome.FailingSince = time.UnixMilli(int64(record.failing_since_ms))
	}
	// One string for the three ids.
	var ids [unsafe.Sizeof(record.event_id) + unsafe.Sizeof(record.delivery_id) + unsafe.Sizeof(record.webhook_id)]byte
	event := copyText(ids[:], record.event_id[:])
	delivery := event + copyText(ids[event:], record.delivery_id[:])
	webhook := delivery + copyText(ids[delivery:], record.webhook_id[:])
	text := string(ids[:webhook])
	outcome.EventID, outcome.DeliveryID, outcome.WebhookID = text[:event], text[event:delivery], text[delivery:]
	return outcome
}

// copyText copies up to the NUL and tells how much that is.
func copyText(to []byte, from []C.char) int {
	for i, c := range from {
		if c == 0 {
			return i
		}
		to[i] = byte(c)
	}
	return len(from)
}

func name(names []string, number int) string {
	if number >= 0 && number < len(names) {
		return names[number]
	}
	return strconv.Itoa(number)
}

var kindNames = []string{"none", "delivery", "event", "webhookDisabled"}
var stateNames = []string{"none", "succeeded", "failed", "expired", "canceled"}
var failureNames = []string{
	"none", "dns", "addressRefused", "connect", "tls", "certificate", "timeout", "connectionLost", "badResponse",
	"httpStatus", "local", "circuitOpen", "backlogFull",
}
var reasonNames = []string{"none", "gone", "receiverAsked", "failing"}

// String gives "delivery", "event" or "webhookDisabled".
func (k OutcomeKind) String() string { return name(kindNames, int(k)) }

// String gives "succeeded", "failed", "expired" or "canceled".
func (s State) String() string { return name(stateNames, int(s)) }

// String gives the name in camel case, such as "httpStatus"; "none" without a failure.
func (f Failure) String() string { return name(failureNames, int(f)) }

// String gives "gone", "receiverAsked" or "failing".
func (r DisabledReason) String() string { return name(reasonNames, int(r)) }
