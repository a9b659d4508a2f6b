package martlet_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"martlet.example/martlet"
)

// heard gives the next message with this text.
func heard(t *testing.T, messages <-chan martlet.LogMessage, text string) martlet.LogMessage {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case message := <-messages:
			if strings.Contains(message.Text, text) {
				return message
			}
		case <-limit:
			t.Fatalf("no message says %q", text)
		}
	}
}

func listen(t *testing.T, engine *martlet.Engine, level martlet.LogLevel) <-chan martlet.LogMessage {
	t.Helper()
	messages := make(chan martlet.LogMessage, 4096)
	if err := engine.Log(level, func(message martlet.LogMessage) { messages <- message }); err != nil {
		t.Fatal(err)
	}
	return messages
}

func TestMessagesAreHeard(t *testing.T) {
	engine := open(t, martlet.Config{Policy: martlet.Policy{Retry: martlet.RetryAfter()}})
	messages := listen(t, engine, martlet.LogDebug)
	stored := create(t, engine, martlet.Webhook{URL: receive(t, 410).URL, Events: []string{"*"}})
	registered := heard(t, messages, stored.ID+" is registered")
	if registered.Level != martlet.LogInfo || time.Since(registered.Time) > time.Minute {
		t.Error(registered)
	}
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
		t.Fatal(err)
	}
	attempt := heard(t, messages, "attempt 1 ended")
	if attempt.Level != martlet.LogDebug || !strings.Contains(attempt.Text, "with status 410") {
		t.Error(attempt)
	}
	if disabled := heard(t, messages, "is disabled"); disabled.Level.String() != "warning" {
		t.Error(disabled)
	}
	engine.Close()
	heard(t, messages, "the engine is closed")
	if err := engine.Log(martlet.LogInfo, func(martlet.LogMessage) {}); !errors.Is(err, martlet.ErrClosed) {
		t.Error(err)
	}
}

func TestLogLevelsAndSilence(t *testing.T) {
	engine := open(t, martlet.Config{})
	if err := engine.Log(0, func(martlet.LogMessage) {}); !errors.Is(err, martlet.ErrInvalidArgument) {
		t.Error(err)
	}
	if err := engine.Log(9, func(martlet.LogMessage) {}); !errors.Is(err, martlet.ErrInvalidArgument) {
		t.Error(err)
	}
	if err := engine.Log(martlet.LogInfo, nil); err != nil {
		t.Error("silence before anything was heard:", err)
	}
	first := listen(t, engine, martlet.LogWarning)
	hook := martlet.Webhook{URL: "http://127.0.0.1:9/", Events: []string{"*"}}
	create(t, engine, hook)
	second := listen(t, engine, martlet.LogInfo)
	stored := create(t, engine, hook)
	heard(t, second, stored.ID)
	if err := engine.Log(martlet.LogInfo, nil); err != nil {
		t.Error(err)
	}
	create(t, engine, hook)
	third := listen(t, engine, martlet.LogInfo)
	last := create(t, engine, hook)
	if message := heard(t, third, "is registered"); !strings.Contains(message.Text, last.ID) {
		t.Error("heard what was not made:", message)
	}
	if len(first) != 0 || len(second) != 0 {
		t.Error("the one before goes on hearing")
	}
}

func TestTheHandlerMayCloseTheEngine(t *testing.T) {
	engine := open(t, martlet.Config{})
	closed := make(chan string, 8)
	err := engine.Log(martlet.LogInfo, func(message martlet.LogMessage) {
		engine.Close()
		closed <- message.Text
	})
	if err != nil {
		t.Fatal(err)
	}
	create(t, engine, martlet.Webhook{URL: "http://127.0.0.1:9/", Events: []string{"*"}})
	for _, expected := range []string{"is registered", "the engine is closed"} {
		if text := <-closed; !strings.Contains(text, expected) {
			t.Error(text)
		}
	}
}

func TestAForgottenEngineEndsItsLog(t *testing.T) {
	ended := make(chan struct{})
	func() {
		engine, err := martlet.Open(background, martlet.Config{})
		if err != nil {
			t.Fatal(err)
		}
		err = engine.Log(martlet.LogInfo, func(message martlet.LogMessage) {
			if message.Text == "the engine is closed" {
				close(ended)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}()
	for {
		runtime.GC()
		select {
		case <-ended:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestWhatOpeningFoundIsTold(t *testing.T) {
	config := martlet.Config{
		DataDirectory: t.TempDir(), Sync: "os", Journal: &martlet.Journal{SegmentBytes: 4 << 20, MaxBytes: 64 << 20},
		Policy: martlet.Policy{Retry: martlet.RetryAfter(600)},
	}
	engine := open(t, config)
	create(t, engine, martlet.Webhook{URL: "http://127.0.0.1:9/", Events: []string{"*"}})
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
		t.Fatal(err)
	}
	if _, err := martlet.Open(background, config); !errors.Is(err, martlet.ErrInUse) {
		t.Error(err)
	}
	engine.Close()
	engine = open(t, config)
	heard(t, listen(t, engine, martlet.LogInfo), "1 webhooks, 1 pending deliveries of 1 events")
	statistics, err := engine.Statistics()
	if err != nil || statistics.Journal == nil {
		t.Fatal(err)
	}
	recovery := statistics.Journal.Recovery
	if recovery.Events != 1 || recovery.Deliveries != 1 || recovery.Webhooks != 1 || statistics.Journal.MaxBytes != 64<<20 {
		t.Error(*statistics.Journal)
	}
}

func TestBytesAreNotMadeBase64(t *testing.T) {
	engine := open(t, martlet.Config{})
	for _, event := range []martlet.Event{
		{Type: "call.placed", Data: []byte(`{"a":1}`)},
		{Type: "call.placed", Data: []byte(`{"a":1}`), ID: "own"},
	} {
		_, err := engine.Push(background, event)
		if !errors.Is(err, martlet.ErrInvalidArgument) || !strings.Contains(err.Error(), "json.RawMessage") {
			t.Error(err)
		}
	}
}
