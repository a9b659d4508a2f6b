package martlet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"martlet.example/martlet"
)

// A program registers who wants what, pushes events, and hears what became of them.
func Example() {
	server := newReceiver(http.StatusOK)
	defer server.Close()
	ctx := context.Background()

	engine, err := martlet.Open(ctx, martlet.Config{Environment: "development", Outcomes: "deliveries"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if _, err := engine.CreateWebhook(martlet.Webhook{URL: server.URL, Events: []string{"call.*"}}); err != nil {
		log.Fatal(err)
	}
	call := map[string]any{"callId": "call_1", "callStatus": "completed"}
	if _, err := engine.Push(ctx, martlet.Event{Type: "call.completed", Data: call, Tag: 7}); err != nil {
		log.Fatal(err)
	}
	outcomes, err := engine.Outcomes()
	if err != nil {
		log.Fatal(err)
	}
	outcome := <-outcomes
	fmt.Println(outcome.Tag, outcome.State, outcome.HTTPStatus)
	// Output: 7 succeeded 200
}

// Outcomes come until the engine has shut down and all were received.
func ExampleEngine_Outcomes() {
	ctx := context.Background()
	engine, err := martlet.Open(ctx, martlet.Config{Outcomes: "events"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	outcomes, err := engine.Outcomes()
	if err != nil {
		log.Fatal(err)
	}
	settled := make(chan int)
	go func() {
		count := 0
		for range outcomes {
			count++
		}
		settled <- count
	}()
	for i := 0; i < 1000; i++ {
		if _, err := engine.Push(ctx, martlet.Event{Type: "call.placed"}); err != nil {
			log.Fatal(err)
		}
	}
	if err := engine.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-settled)
	// Output: 1000
}

// A queue that is full refuses; nothing is dropped silently.
func ExampleCode() {
	ctx := context.Background()
	engine, err := martlet.Open(ctx, martlet.Config{Outcomes: "events", Queue: &martlet.Queue{MaxEvents: 2}})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	for i := 0; i < 3; i++ {
		_, err := engine.Push(ctx, martlet.Event{Type: "call.placed"})
		fmt.Println(errors.Is(err, martlet.ErrQueueFull))
	}
	// Output:
	// false
	// false
	// true
}

// The log is read a page at a time behind the iterator.
func ExampleEngine_Deliveries() {
	server := newReceiver(http.StatusOK)
	defer server.Close()
	ctx := context.Background()
	engine, err := martlet.Open(ctx, martlet.Config{Environment: "development"})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if _, err := engine.CreateWebhook(martlet.Webhook{URL: server.URL, Events: []string{"*"}}); err != nil {
		log.Fatal(err)
	}
	for tag := uint64(1); tag <= 3; tag++ {
		if _, err := engine.Push(ctx, martlet.Event{Type: "call.placed", Data: tag, Tag: tag}); err != nil {
			log.Fatal(err)
		}
	}
	if err := engine.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	deliveries := engine.Deliveries(ctx, martlet.DeliveryQuery{State: "succeeded", Limit: 2})
	for deliveries.Next() {
		fmt.Println(deliveries.Value().Tag, deliveries.Value().Attempts[0].Status)
	}
	if err := deliveries.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 200
	// 2 200
	// 1 200
}

// A receiver checks each request before it believes it.
func ExampleVerify() {
	const secret = "whsec_bWFydGxldCBiaW5kaW5ncywgc2VjcmV0IG9uZS4uLi4="
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || martlet.Verify(secret, r.Header, body) != nil {
			http.Error(w, "not genuine", http.StatusUnauthorized)
		}
	})

	body := `{"eventType":"call.completed"}`
	now := time.Now()
	signature, err := martlet.Sign(secret, "evt_1", now, []byte(body))
	if err != nil {
		log.Fatal(err)
	}
	for _, signature := range []string{signature, "v1,AAAA"} {
		request := httptest.NewRequest("POST", "/", strings.NewReader(body))
		request.Header.Set("webhook-id", "evt_1")
		request.Header.Set("webhook-timestamp", fmt.Sprint(now.Unix()))
		request.Header.Set("webhook-signature", signature)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// 200
	// 401
}
