package martlet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"martlet.example/martlet"
)

func TestWebhooks(t *testing.T) {
	engine := open(t, martlet.Config{})
	stored := create(t, engine, martlet.Webhook{
		URL: "http://127.0.0.1:9/x", Events: []string{"call.*"}, Tenant: "acme", Agents: []string{"agent_1"},
		Filter: map[string]any{"callDuration": map[string]any{"$gte": 60}}, Headers: map[string]string{"X-A": "<b>"},
		Enabled: martlet.Ptr(false), Description: "für \"Köln\"", Metadata: map[string]string{"k": "v"}, MaxInFlight: 3,
		Policy: martlet.Policy{
			TimeoutMs: 700, ExpirySeconds: martlet.Ptr(0.0), RateLimit: &martlet.RateLimit{PerSecond: 2.5}, Ordering: "key",
			Retry: martlet.RetryAfter(), DisableAfterSeconds: martlet.Ptr(0.0), AdaptiveConcurrency: martlet.Ptr(false),
		},
		Extra: map[string]any{"maxPending": 1000},
	})
	if !strings.HasPrefix(stored.ID, "wh_") || *stored.Enabled || stored.Disabled == nil || stored.Disabled.Reason != "host" ||
		stored.Headers["X-A"] != "<b>" || stored.Description != "für \"Köln\"" || stored.TimeoutMs != 700 ||
		stored.MaxPending != 1000 || len(*stored.Retry.DelaysSeconds) != 0 || *stored.AdaptiveConcurrency ||
		stored.RateLimit.PerSecond != 2.5 || time.Since(stored.CreatedAt) > time.Minute {
		t.Errorf("%s", stored.Document)
	}
	read, err := engine.Webhook(stored.ID)
	if err != nil || string(read.Document) != string(stored.Document) {
		t.Errorf("%s %v", read.Document, err)
	}

	changed, err := engine.UpdateWebhook(stored.ID, martlet.Change{"timeoutMs": nil, "description": "", "agents": nil})
	if err != nil || changed.TimeoutMs != 0 || changed.Description != "" || changed.Agents != nil || changed.MaxInFlight != 3 {
		t.Errorf("%s %v", changed.Document, err)
	}
	if err := engine.EnableWebhook(stored.ID); err != nil {
		t.Error(err)
	}
	if read, err = engine.Webhook(stored.ID); err != nil || !*read.Enabled || read.Disabled != nil {
		t.Errorf("%s %v", read.Document, err)
	}
	if err := engine.DisableWebhook(stored.ID); err != nil {
		t.Error(err)
	}
	if err := engine.DeleteWebhook(stored.ID); err != nil {
		t.Error(err)
	}
	if err := engine.DeleteWebhook(stored.ID); !errors.Is(err, martlet.ErrNotFound) {
		t.Error(err)
	}
}

func TestWebhooksComeOverAllPages(t *testing.T) {
	engine := open(t, martlet.Config{})
	if all, err := engine.Webhooks(background, martlet.WebhookQuery{}).All(); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	for i := 0; i < 5; i++ {
		create(t, engine, martlet.Webhook{URL: fmt.Sprintf("http://127.0.0.1:9/%d", i), Events: []string{"*"}})
	}
	for pageSize := 0; pageSize < 7; pageSize++ {
		it := engine.Webhooks(background, martlet.WebhookQuery{Limit: pageSize})
		count := 0
		for ; it.Next(); count++ {
			if want := fmt.Sprintf("http://127.0.0.1:9/%d", count); it.Value().URL != want {
				t.Error(it.Value().URL, want)
			}
		}
		if it.Err() != nil || count != 5 || it.Next() {
			t.Error(pageSize, count, it.Err())
		}
	}
	if _, err := engine.Webhooks(background, martlet.WebhookQuery{Limit: -1}).All(); !errors.Is(err, martlet.ErrInvalidDocument) {
		t.Error(err)
	}
}

func TestSecretsAndVerification(t *testing.T) {
	hooks := receive(t, 200)
	engine := open(t, martlet.Config{Outcomes: "deliveries"})
	const own = "whsec_bWFydGxldCBiaW5kaW5ncywgc2VjcmV0IG9uZS4uLi4="
	webhook := create(t, engine, martlet.Webhook{URL: hooks.URL, Events: []string{"*"}, Secret: own})
	secrets, err := engine.RotateSecret(webhook.ID, martlet.Rotation{OverlapSeconds: martlet.Ptr(60)})
	if err != nil || len(secrets) != 2 || secrets[1].Secret != own || secrets[0].ExpiresAt != nil || secrets[1].ExpiresAt == nil {
		t.Fatal(len(secrets), err)
	}
	if read, err := engine.Secrets(webhook.ID); err != nil || len(read) != 2 || read[0] != secrets[0] {
		t.Error(len(read), err)
	}
	if _, err := engine.Push(background, martlet.Event{Type: "call.placed", Data: "signed twice"}); err != nil {
		t.Fatal(err)
	}
	next(t, engine, 1)
	got := hooks.got()[0]
	for _, secret := range secrets {
		if err := martlet.Verify(secret.Secret, got.header, got.body); err != nil {
			t.Error(err)
		}
	}
	if err := martlet.Verify(own, got.header, append(got.body, ' ')); !errors.Is(err, martlet.ErrVerificationFailed) {
		t.Error(err)
	}
	later := martlet.Verifier{Secrets: own, Now: func() time.Time { return time.Now().Add(time.Minute) }}
	if err := later.Verify(got.header, got.body); err != nil {
		t.Error(err)
	}
	later.Tolerance = 50 * time.Second
	if err := later.Verify(got.header, got.body); !errors.Is(err, martlet.ErrVerificationFailed) {
		t.Error(err)
	}
	if err := martlet.Verify("nonsense", got.header, got.body); !errors.Is(err, martlet.ErrInvalidArgument) {
		t.Error(err)
	}
	if _, err := martlet.Sign("nonsense", "evt_1", time.Unix(1, 0), nil); !errors.Is(err, martlet.ErrInvalidArgument) {
		t.Error(err)
	}
	many := strings.Repeat(own+" ", 16)
	if signature, err := martlet.Sign(many, "evt_1", time.Unix(1, 0), nil); err != nil || len(strings.Fields(signature)) != 16 {
		t.Error(signature, err)
	}
}
