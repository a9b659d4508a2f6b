package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"martlet.example/martlet"
)

// service keeps the calls and what became of telling them. A call's number is the tag of its event.
type service struct {
	engine  *martlet.Engine
	settled chan struct{} // closed when the last outcome was received

	mutex sync.Mutex
	calls []call
}

type call struct {
	State   string   `json:"state"` // "telling", then how it ended
	Reached int      `json:"reached"`
	Missed  []string `json:"missed,omitempty"` // why, one text for each webhook
}

func newService(config martlet.Config) (*service, error) {
	config.Outcomes = "all"
	engine, err := martlet.Open(context.Background(), config)
	if err != nil {
		return nil, err
	}
	outcomes, err := engine.Outcomes()
	if err == nil {
		err = engine.Log(martlet.LogWarning, func(m martlet.LogMessage) { log.Printf("martlet: %v: %s", m.Level, m.Text) })
	}
	if err != nil {
		engine.Close()
		return nil, err
	}
	s := &service{engine: engine, settled: make(chan struct{})}
	go s.follow(outcomes)
	return s, nil
}

// end gives what is on its way some time.
func (s *service) end(time time.Duration) error {
	last, cancel := context.WithTimeout(context.Background(), time)
	defer cancel()
	err := s.engine.Shutdown(last)
	<-s.settled
	return err
}

// follow ends when the engine has ended and all outcomes were received.
func (s *service) follow(outcomes <-chan martlet.Outcome) {
	defer close(s.settled)
	for outcome := range outcomes {
		s.mutex.Lock()
		if outcome.Tag > 0 && outcome.Tag <= uint64(len(s.calls)) {
			s.calls[outcome.Tag-1].add(outcome)
		}
		s.mutex.Unlock()
	}
}

func (c *call) add(outcome martlet.Outcome) {
	switch {
	case outcome.Kind == martlet.OutcomeEvent:
		c.State = outcome.State.String()
	case outcome.Kind == martlet.OutcomeDelivery && outcome.State == martlet.Succeeded:
		c.Reached++
	case outcome.Kind == martlet.OutcomeDelivery:
		c.Missed = append(c.Missed, fmt.Sprintf("%s: %s after %d attempts, %s, HTTP %d",
			outcome.WebhookID, outcome.State, outcome.Attempts, outcome.Failure, outcome.HTTPStatus))
	}
}

func (s *service) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/webhooks", s.subscribe)
	routes.HandleFunc("/calls", s.complete)
	routes.HandleFunc("/calls/", s.show)
	routes.HandleFunc("/metrics", s.metrics)
	return routes
}

func (s *service) subscribe(w http.ResponseWriter, r *http.Request) {
	var subscription struct {
		URL    string
		Events []string
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&subscription); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	stored, err := s.engine.CreateWebhook(martlet.Webhook{URL: subscription.URL, Events: subscription.Events})
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("content-type", "application/json")
	w.Write(stored.Document)
}

func (s *service) complete(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	s.calls = append(s.calls, call{State: "telling"})
	number := len(s.calls)
	s.mutex.Unlock()

	// The bytes go out as they came; the library refuses what is not JSON.
	_, err = s.engine.Push(r.Context(), martlet.Event{
		Type: "call.completed", Data: json.RawMessage(data), Tag: uint64(number),
	})
	if err != nil {
		s.mutex.Lock()
		s.calls[number-1].State = "refused"
		s.mutex.Unlock()
		refuse(w, err)
		return
	}
	answer(w, map[string]int{"call": number})
}

func (s *service) show(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/calls/"))
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err != nil || number < 1 || number > len(s.calls) {
		http.NotFound(w, r)
		return
	}
	answer(w, s.calls[number-1])
}

func (s *service) metrics(w http.ResponseWriter, _ *http.Request) {
	text, err := s.engine.Metrics()
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("content-type", "text/plain; version=0.0.4")
	w.Write(text)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// refuse answers with the status that fits an error of the library.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, martlet.ErrQueueFull), errors.Is(err, martlet.ErrStorageFull):
		w.Header().Set("retry-after", "1")
		status = http.StatusServiceUnavailable
	case errors.Is(err, martlet.ErrClosed):
		status = http.StatusServiceUnavailable
	case errors.Is(err, martlet.ErrTooLarge):
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, err.Error(), status)
}
