package martlet_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"martlet.example/martlet"
)

var background = context.Background()

// receiver answers with one status after the other, the last one from then on, and keeps what came.
type receiver struct {
	*httptest.Server
	mutex    sync.Mutex
	requests []request
}

type request struct {
	header http.Header
	body   []byte
}

func newReceiver(statuses ...int) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, incoming *http.Request) {
		body, _ := io.ReadAll(incoming.Body)
		r.mutex.Lock()
		place := len(r.requests)
		r.requests = append(r.requests, request{incoming.Header, body})
		r.mutex.Unlock()
		if place >= len(statuses) {
			place = len(statuses) - 1
		}
		w.WriteHeader(statuses[place])
	}))
	return r
}

func receive(t testing.TB, statuses ...int) *receiver {
	r := newReceiver(statuses...)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []request {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]request(nil), r.requests...)
}

// open opens an engine for receivers on this machine and closes it at the end of the test.
func open(t testing.TB, config martlet.Config) *martlet.Engine {
	t.Helper()
	config.Environment = "development"
	engine, err := martlet.Open(background, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	return engine
}

func create(t testing.TB, engine *martlet.Engine, webhook martlet.Webhook) martlet.StoredWebhook {
	t.Helper()
	stored, err := engine.CreateWebhook(webhook)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// next waits for so many outcomes.
func next(t testing.TB, engine *martlet.Engine, count int) []martlet.Outcome {
	t.Helper()
	outcomes, err := engine.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	var got []martlet.Outcome
	limit := time.After(20 * time.Second)
	for len(got) < count {
		select {
		case outcome, isOpen := <-outcomes:
			if !isOpen {
				t.Fatalf("the channel was closed after %d of %d outcomes", len(got), count)
			}
			got = append(got, outcome)
		case <-limit:
			t.Fatalf("%d of %d outcomes came", len(got), count)
		}
	}
	return got
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }
