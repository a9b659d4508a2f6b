package martlet_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"martlet.example/martlet"
)

func TestOpenTellsWhatIsWrong(t *testing.T) {
	_, err := martlet.Open(background, martlet.Config{Extra: map[string]any{"lanse": 2}})
	if !errors.Is(err, martlet.ErrInvalidDocument) || !strings.Contains(err.Error(), `did you mean "lanes"?`) {
		t.Error(err)
	}
	_, err = martlet.OpenJSON(background, []byte("{"))
	if !errors.Is(err, martlet.ErrInvalidJSON) {
		t.Error(err)
	}
	over, cancel := context.WithCancel(background)
	cancel()
	if _, err = martlet.Open(over, martlet.Config{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestConfigurationReachesTheLibrary(t *testing.T) {
	engine := open(t, martlet.Config{
		Queue:         &martlet.Queue{MaxEvents: 7},
		EventTypes:    []martlet.EventType{{Name: "order.shipped", Title: "Order", Sample: map[string]any{"a": "<&>"}}},
		Deduplication: &martlet.Deduplication{WindowSeconds: martlet.Ptr(0)},
		LogRetention:  &martlet.LogRetention{Attempts: martlet.Ptr(0)},
		Policy:        martlet.Policy{Retry: martlet.RetryAfter(), Breaker: &martlet.Breaker{Failures: martlet.Ptr(0)}},
		Extra:         map[string]any{"maxInFlight": 5},
	})
	statistics, err := engine.Statistics()
	if err != nil || statistics.Queue.MaxEvents != 7 || statistics.State != "open" {
		t.Error(statistics, err)
	}
	if err := engine.AddEventType(martlet.EventType{Name: "order.lost", Description: "gone"}); err != nil {
		t.Error(err)
	}
	types, err := engine.EventTypes()
	if err != nil || len(types) != 13 || types[12].Name != "order.lost" || types[12].Category != "order" {
		t.Error(len(types), types[len(types)-1], err)
	}
	metrics, err := engine.Metrics()
	if err != nil || !strings.Contains(string(metrics), "martlet_events_accepted_total 0") {
		t.Error(err)
	}
}

func TestFlushHonoursItsContext(t *testing.T) {
	engine := open(t, martlet.Config{Policy: martlet.Policy{Retry: martlet.RetryAfter(600)}})
	if err := engine.Flush(background); err != nil {
		t.Error("nothing is pending:", err)
	}
	create(t, engine, martlet.Webhook{URL: receive(t, 503).URL, Events: []string{"*"}})
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	err := engine.Flush(late)
	if !errors.Is(err, martlet.ErrTimedOut) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(background)
	done := make(chan error)
	go func() { done <- engine.Flush(canceled) }()
	cancel()
	if err := <-done; !errors.Is(err, martlet.ErrTimedOut) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestShutdownFinishesWhatWasAccepted(t *testing.T) {
	hooks := receive(t, 503, 200)
	engine := open(t, martlet.Config{Outcomes: "deliveries", Policy: martlet.Policy{Retry: martlet.RetryAfter(0.02)}})
	create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}})
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed", Tag: 4}); err != nil {
		t.Fatal(err)
	}
	if err := engine.Shutdown(background); err != nil {
		t.Error(err)
	}
	// Outcomes are there still, and the channel ends behind them.
	outcomes, err := engine.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	var got []martlet.Outcome
	for outcome := range outcomes {
		got = append(got, outcome)
	}
	if len(got) != 1 || got[0].Tag != 4 || got[0].State != martlet.Succeeded || got[0].Attempts != 2 {
		t.Error(got)
	}
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); !errors.Is(err, martlet.ErrClosed) {
		t.Error(err)
	}
	if deliveries, err := engine.Deliveries(background, martlet.DeliveryQuery{}).All(); err != nil || len(deliveries) != 1 {
		t.Error("the log can be read after the end:", deliveries, err)
	}
	if err := engine.Shutdown(background); err != nil {
		t.Error("again:", err)
	}
}

func TestShutdownCancelsWhenItsContextEnds(t *testing.T) {
	engine := open(t, martlet.Config{Outcomes: "deliveries", Policy: martlet.Policy{Retry: martlet.RetryAfter(600)}})
	create(t, engine, martlet.Webhook{URL: receive(t, 503).URL, Events: []string{"*"}})
	outcomes, err := engine.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithCancel(background)
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := engine.Shutdown(late); !errors.Is(err, martlet.ErrTimedOut) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var states []martlet.State
	for outcome := range outcomes {
		states = append(states, outcome.State)
	}
	if len(states) != 1 || states[0] != martlet.Canceled {
		t.Error(states)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	engine := open(t, martlet.Config{Outcomes: "all"})
	outcomes, err := engine.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	// More than the channel holds, and nobody receives.
	for i := 0; i < 1000; i++ {
		if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	for range outcomes {
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
	}
	for _, err := range []error{
		engine.Flush(background),
		engine.Shutdown(background),
		second(engine.Push(background, martlet.Event{Type: "call.placed"})),
		second(engine.PushMany(background, []martlet.Event{{Type: "call.placed"}})),
		second(engine.CreateWebhook(martlet.Webhook{})),
		second(engine.Webhook("wh_1")),
		second(engine.Webhooks(background, martlet.WebhookQuery{}).All()),
		second(engine.Deliveries(background, martlet.DeliveryQuery{}).All()),
		second(engine.Statistics()),
		second(engine.EventTypes()),
		engine.DeleteWebhook("wh_1"),
	} {
		if !errors.Is(err, martlet.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestCallsMayRaceClose(t *testing.T) {
	hooks := receive(t, 200)
	engine := open(t, martlet.Config{Outcomes: "all"})
	create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}})
	outcomes, err := engine.Outcomes()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				_, err := engine.Push(background, martlet.Event{Type: "call.placed", Data: raw("1")})
				if errors.Is(err, martlet.ErrClosed) {
					return
				}
				if err != nil && !errors.Is(err, martlet.ErrQueueFull) {
					t.Error(err)
					return
				}
			}
		}()
	}
	for i := 0; i < 100; i++ {
		<-outcomes
	}
	engine.Close()
	group.Wait()
}

func TestAForgottenEngineDeliversAndEnds(t *testing.T) {
	hooks := receive(t, 503, 200)
	func() {
		engine, err := martlet.Open(background, martlet.Config{
			Environment: "development", Policy: martlet.Policy{Retry: martlet.RetryAfter(0.2)},
		})
		if err != nil {
			t.Fatal(err)
		}
		create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}})
		if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
			t.Fatal(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); len(hooks.got()) < 2; time.Sleep(time.Millisecond) {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d requests came", len(hooks.got()))
		}
	}
}

// A process ends when its main function does, whatever an engine has left to do.
func TestAProcessMayExitWithAnOpenEngine(t *testing.T) {
	if os.Getenv("MARTLET_TEST_EXIT") != "" {
		engine, err := martlet.Open(background, martlet.Config{
			Environment: "development", Outcomes: "all", Policy: martlet.Policy{Retry: martlet.RetryAfter(600)},
		})
		if err != nil {
			t.Fatal(err)
		}
		create(t, engine, martlet.Webhook{URL: "http://127.0.0.1:1/", Events: []string{"*"}})
		if _, err := engine.Outcomes(); err != nil {
			t.Fatal(err)
		}
		if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
			t.Fatal(err)
		}
		os.Exit(3)
	}
	limited, cancel := context.WithTimeout(background, 20*time.Second)
	defer cancel()
	child := exec.CommandContext(limited, os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "MARTLET_TEST_EXIT=1")
	output, err := child.CombinedOutput()
	if child.ProcessState.ExitCode() != 3 {
		t.Errorf("%v: %s", err, output)
	}
}
