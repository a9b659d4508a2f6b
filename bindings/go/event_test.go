package martlet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"martlet.example/martlet"
)

func TestDataArrives(t *testing.T) {
	hooks := receive(t, 200)
	engine := open(t, martlet.Config{Outcomes: "deliveries", Policy: martlet.Policy{PayloadFormat: "raw"}})
	create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}})
	type call struct {
		CallID   string `json:"callId"`
		Duration int    `json:"callDuration"`
	}
	for _, test := range []struct {
		data any
		want string
	}{
		{call{"call_<1>&", 7}, `{"callId":"call_<1>&","callDuration":7}`},
		{raw("{ \"a\":\n 1.0, \"b\": \"\\u00e9<é\" }"), "{ \"a\":\n 1.0, \"b\": \"\\u00e9<é\" }"},
		{nil, "null"},
		{json.RawMessage(nil), "null"},
		{"text", `"text"`},
	} {
		receipt, err := engine.Push(background, martlet.Event{Type: "call.completed", Data: test.data})
		if err != nil || !strings.HasPrefix(receipt.ID, "evt_") || len(receipt.ID) != 30 {
			t.Fatal(receipt, err)
		}
		outcome := next(t, engine, 1)[0]
		if outcome.EventID != receipt.ID || !strings.HasPrefix(outcome.DeliveryID, "dlv_") ||
			!strings.HasPrefix(outcome.WebhookID, "wh_") || time.Since(outcome.SettledAt) > time.Minute {
			t.Error(outcome)
		}
		all := hooks.got()
		last := all[len(all)-1]
		if string(last.body) != test.want || last.header.Get("webhook-id") != receipt.ID {
			t.Errorf("%s arrived as %s", test.want, last.body)
		}
		if agent := last.header.Get("user-agent"); !strings.Contains(agent, "martlet-go/") {
			t.Error(agent)
		}
	}
}

func TestAllFieldsOfAnEventArrive(t *testing.T) {
	hooks := receive(t, 200)
	engine := open(t, martlet.Config{Outcomes: "all"})
	create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}, Tenant: "acme"})
	event := martlet.Event{
		Type: "call.completed", Data: raw("{\"a\":\n\"x,}]\\\"\",\"b\":[1,{\"c\":2}]}"), Tag: 1 << 63,
		ID: "mine-1", Tenant: "acme", Key: "für\n\"",
		CreatedAt: time.Date(2025, 12, 8, 11, 30, 0, 5e8, time.FixedZone("", 3600)), ExpirySeconds: 60.5,
		Headers: map[string]string{"X-Trace": "<1>"},
	}
	receipt, err := engine.Push(background, event)
	if err != nil || receipt != (martlet.Receipt{ID: "mine-1"}) {
		t.Fatal(receipt, err)
	}
	for _, outcome := range next(t, engine, 2) {
		if outcome.Tag != 1<<63 || outcome.EventID != "mine-1" || outcome.State != martlet.Succeeded {
			t.Error(outcome)
		}
	}
	got := hooks.got()[0]
	want := `{"eventType":"call.completed","createdAt":"2025-12-08T10:30:00.5Z",` +
		`"data":{"a":` + "\t" + `"x,}]\"","b":[1,{"c":2}]}}`
	if string(got.body) != want {
		t.Errorf("%s", got.body)
	}
	if got.header.Get("x-trace") != "<1>" {
		t.Error(got.header)
	}
	if receipt, err = engine.Push(background, event); err != nil || !receipt.Duplicate {
		t.Error(receipt, err)
	}
}

func TestDataCannotAddKeysToItsDocument(t *testing.T) {
	engine := open(t, martlet.Config{})
	for _, text := range []string{
		`1,"tenant":"other"`, `{"a":1},"tenant":"other"`, `1}`, `1},{"x":2`, `"`, `{`, `{]`, ``, `1 2`, `"a":1`, `1:2`,
		`"\"`, "{\"a\":\"\n\"}", "1\n2",
	} {
		for _, event := range []martlet.Event{
			{Type: "call.placed", Data: raw(text)}, {Type: "call.placed", Data: raw(text), ID: "own"},
		} {
			if receipt, err := engine.Push(background, event); !errors.Is(err, martlet.ErrInvalidJSON) {
				t.Errorf("%q: %v %v", text, receipt, err)
			}
		}
	}
}

func TestManyEventsInOneCrossing(t *testing.T) {
	hooks := receive(t, 200)
	engine := open(t, martlet.Config{Outcomes: "events"})
	create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"call.*"}})
	var events []martlet.Event
	for i := 0; i < 500; i++ {
		events = append(events, martlet.Event{Type: "call.placed", Data: map[string]int{"n": i}, Tag: uint64(i)})
	}
	events = append(events, martlet.Event{Type: "call.placed", ID: "twice"}, martlet.Event{Type: "call.placed", ID: "twice"})
	pushed, err := engine.PushMany(background, events)
	if err != nil || pushed != (martlet.Pushed{Accepted: 501, Duplicates: 1}) {
		t.Fatal(pushed, err)
	}
	seen := map[uint64]int{}
	for _, outcome := range next(t, engine, 501) {
		seen[outcome.Tag]++
	}
	for i := uint64(1); i < 500; i++ {
		if seen[i] != 1 {
			t.Errorf("tag %d came %d times", i, seen[i])
		}
	}

	pushed, err = engine.PushMany(background, []martlet.Event{
		{Type: "call.placed"}, {Type: "call.palced"}, {Type: "call.placed"},
	})
	if pushed.Accepted != 1 || !errors.Is(err, martlet.ErrUnknownEventType) || !strings.Contains(err.Error(), "line 2") {
		t.Error(pushed, err)
	}
	pushed, err = engine.PushJSON(background, []byte(`{"eventType":"call.placed","data":1}`+"\n\n"))
	if err != nil || pushed.Accepted != 1 {
		t.Error(pushed, err)
	}
	if pushed, err = engine.PushMany(background, nil); err != nil || pushed.Accepted != 0 {
		t.Error(pushed, err)
	}
}

func TestPushesThatAreRefused(t *testing.T) {
	engine := open(t, martlet.Config{Queue: &martlet.Queue{MaxEvents: 1}, MaxEventBytes: 1024})
	create(t, engine, martlet.Webhook{
		URL: receive(t, 503).URL, Events: []string{"*"}, Policy: martlet.Policy{Retry: martlet.RetryAfter(600)},
	})
	over, cancel := context.WithCancel(background)
	cancel()
	for _, test := range []struct {
		context context.Context
		event   martlet.Event
		want    error
		text    string
	}{
		{background, martlet.Event{Type: "call.complete"}, martlet.ErrUnknownEventType, `did you mean "call.completed"?`},
		{background, martlet.Event{Type: "call.placed", Data: raw("{")}, martlet.ErrInvalidJSON, "line 1, column"},
		{background, martlet.Event{Type: "call.placed", Data: strings.Repeat("x", 2000)}, martlet.ErrTooLarge, "maxEventBytes"},
		{background, martlet.Event{Type: "call.placed", Extra: map[string]any{"tennant": "a"}}, martlet.ErrInvalidDocument, `"tenant"`},
		{background, martlet.Event{Type: "call.placed\xff"}, martlet.ErrUnknownEventType, ""},
		{over, martlet.Event{Type: "call.placed"}, context.Canceled, ""},
		{background, martlet.Event{Type: "call.placed"}, nil, ""},
		{background, martlet.Event{Type: "call.placed"}, martlet.ErrQueueFull, "maxEvents"},
	} {
		_, err := engine.Push(test.context, test.event)
		if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%.60v: %v", test.event, err)
		}
	}
	var unsupported *json.UnsupportedTypeError
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed", Data: func() {}}); !errors.As(err, &unsupported) {
		t.Error(err)
	}
}

func TestErrorsAreWhatGoAsksFor(t *testing.T) {
	engine := open(t, martlet.Config{})
	_, err := engine.Webhook("wh_none")
	wrapped := fmt.Errorf("reading: %w", err)
	var refused *martlet.Error
	if !errors.As(wrapped, &refused) || refused.Code != martlet.ErrNotFound || refused.Code.Name() != "NOT_FOUND" ||
		refused.Text == "" || !errors.Is(wrapped, martlet.ErrNotFound) || errors.Is(wrapped, martlet.ErrClosed) {
		t.Error(err)
	}
	if code := martlet.Code(-999); code.Name() != "UNKNOWN" || code.Error() == "" {
		t.Error(code)
	}
}
