package martlet_test

import (
	"context"
	"errors"
	"testing"

	"martlet.example/martlet"
)

func TestTheDeliveryLog(t *testing.T) {
	hooks := receive(t, 500, 500, 200)
	engine := open(t, martlet.Config{Outcomes: "deliveries", Policy: martlet.Policy{Retry: martlet.RetryAfter()}})
	webhook := create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}, MaxInFlight: 1})
	for tag := uint64(1); tag <= 5; tag++ {
		if _, err := engine.Push(background, martlet.Event{Type: "call.placed", Data: tag, Tag: tag}); err != nil {
			t.Fatal(err)
		}
	}
	outcomes := next(t, engine, 5)
	if outcomes[0].Failure != martlet.FailureHTTPStatus || outcomes[0].HTTPStatus != 500 ||
		outcomes[0].Kind.String() != "delivery" {
		t.Error(outcomes[0])
	}
	it := engine.Deliveries(background, martlet.DeliveryQuery{Limit: 2})
	for tag := uint64(5); it.Next(); tag-- {
		if it.Value().Tag != tag {
			t.Error(it.Value().Tag, tag)
		}
	}
	if it.Err() != nil {
		t.Error(it.Err())
	}
	failed, err := engine.Deliveries(background, martlet.DeliveryQuery{State: "failed", WebhookID: webhook.ID}).All()
	if err != nil || len(failed) != 2 {
		t.Fatal(failed, err)
	}
	one, err := engine.Delivery(failed[1].ID)
	if err != nil || one.State != "failed" || one.AttemptCount != 1 || one.Attempts[0].Status != 500 ||
		one.Attempts[0].ErrorClass != "http_status" || one.SettledAt == nil || one.NextAttemptAt != nil || one.Payload == "" {
		t.Errorf("%s %v", one.Document, err)
	}
	again, err := engine.Redeliver(one.ID)
	if err != nil {
		t.Fatal(err)
	}
	outcome := next(t, engine, 1)[0]
	if outcome.DeliveryID != again || outcome.State != martlet.Succeeded || outcome.EventID != one.EventID {
		t.Error(outcome)
	}
	if repeated, err := engine.Delivery(again); err != nil || repeated.RedeliveryOf != one.ID {
		t.Errorf("%s %v", repeated.Document, err)
	}
	replayed, err := engine.Replay(martlet.DeliveryQuery{PerSecond: 1000, CreatedAfter: one.CreatedAt})
	if err != nil || replayed.Replayed != 1 || replayed.Skipped != 0 {
		t.Error(replayed, err)
	}
	next(t, engine, 1)
	_, err = engine.Replay(martlet.DeliveryQuery{Extra: map[string]any{"perSecnd": 1}})
	if !errors.Is(err, martlet.ErrInvalidDocument) {
		t.Error(err)
	}
	over, cancel := context.WithCancel(background)
	cancel()
	if _, err := engine.Deliveries(over, martlet.DeliveryQuery{}).All(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	engine := open(t, martlet.Config{Outcomes: "deliveries"})
	create(t, engine, martlet.Webhook{
		URL: receive(t, 503).URL, Events: []string{"*"}, Policy: martlet.Policy{Retry: martlet.RetryAfter(600)},
	})
	for i := 0; i < 3; i++ {
		if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
			t.Fatal(err)
		}
	}
	pending, err := engine.Deliveries(background, martlet.DeliveryQuery{State: "undelivered"}).All()
	if err != nil || len(pending) != 3 {
		t.Fatal(pending, err)
	}
	if err := engine.CancelDelivery(pending[0].ID); err != nil {
		t.Error(err)
	}
	if outcome := next(t, engine, 1)[0]; outcome.State != martlet.Canceled || outcome.DeliveryID != pending[0].ID {
		t.Error(outcome)
	}
	if err := engine.CancelDelivery(pending[0].ID); !errors.Is(err, martlet.ErrWrongState) {
		t.Error(err)
	}
	if count, err := engine.CancelDeliveries(martlet.DeliveryQuery{}); err != nil || count != 2 {
		t.Error(count, err)
	}
}

func TestATestDelivery(t *testing.T) {
	hooks := receive(t, 410)
	engine := open(t, martlet.Config{Outcomes: "all"})
	webhook := create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}})
	receipt, err := engine.TestWebhook(webhook.ID, martlet.Test{EventType: "call.completed", Data: raw(`{"a":"<"}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, outcome := range next(t, engine, 2) {
		if outcome.EventID != receipt.EventID || outcome.State != martlet.Failed {
			t.Error(outcome)
		}
	}
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed"}); err != nil {
		t.Fatal(err)
	}
	for _, outcome := range next(t, engine, 3) {
		if outcome.Kind == martlet.OutcomeWebhookDisabled &&
			(outcome.Reason != martlet.DisabledGone || outcome.Reason.String() != "gone" || outcome.WebhookID != webhook.ID) {
			t.Error(outcome)
		}
	}
	if _, err := engine.Outcomes(); err != nil {
		t.Error(err)
	}
	if _, err := open(t, martlet.Config{}).Outcomes(); !errors.Is(err, martlet.ErrWrongState) {
		t.Error(err)
	}
}
