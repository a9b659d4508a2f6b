package martlet

// #include "glue.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"time"
)

// Webhook is a registration: who wants which events.
type Webhook struct {
	// URL is where requests go; Events are the types to send, wildcards such as "call.*" among them. Both are needed.
	URL    string   `json:"url,omitempty"`
	Events []string `json:"events,omitempty"`
	// Tenant is whose webhook it is: it gets only events of the same tenant.
	Tenant string `json:"tenant,omitempty"`
	// Agents and Workflows choose by data.agentId of call events and data.workflowId of workflow events; nil for all.
	Agents    []string `json:"agents,omitempty"`
	Workflows []string `json:"workflows,omitempty"`
	// Filter are conditions on the event's data, such as {"callDuration": {"$gte": 60}}: a map, or a json.RawMessage.
	Filter                any               `json:"filter,omitempty"`
	Headers               map[string]string `json:"headers,omitempty"`
	ClientCertificateFile string            `json:"clientCertificateFile,omitempty"`
	ClientKeyFile         string            `json:"clientKeyFile,omitempty"`
	// Enabled is nil for true.
	Enabled     *bool             `json:"enabled,omitempty"`
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	// Secret is the signing secret of a new webhook, "whsec_..."; empty for a random one. It never comes back with the
	// stored document, see [Engine.Secrets].
	Secret      string `json:"secret,omitempty"`
	MaxInFlight int    `json:"maxInFlight,omitempty"`
	MaxPending  int    `json:"maxPending,omitempty"`
	// Policy overrides the engine's.
	Policy
	// Extra are keys that this package has no field for.
	Extra map[string]any `json:"-"`
}

// StoredWebhook is a webhook as the engine holds it.
type StoredWebhook struct {
	Webhook
	// ID is "wh_...".
	ID string
	// Disabled is nil while it is enabled.
	Disabled  *Disabled
	CreatedAt time.Time
	UpdatedAt time.Time
	// Document is the whole of it as the library wrote it.
	Document json.RawMessage `json:"-"`
}

// Disabled tells why a webhook gets nothing.
type Disabled struct {
	// Reason is "host", "gone", "receiver_asked" or "failing".
	Reason string
	At     time.Time
	// Since is when the failures began; nil where there were none.
	Since *time.Time
}

// Change is what to change of a webhook: its keys replace the stored ones, the others stay; nil puts a default back.
//
//	engine.UpdateWebhook(id, martlet.Change{"events": []string{"workflow.*"}, "timeoutMs": nil})
type Change map[string]any

// Secret is a signing secret of a webhook. Keep it out of logs.
type Secret struct {
	// Secret is "whsec_" and base64.
	Secret    string    `json:"secret"`
	CreatedAt time.Time `json:"createdAt"`
	// ExpiresAt is nil for the current one, which has no end.
	ExpiresAt *time.Time `json:"expiresAt"`
}

// Rotation is how a secret is replaced. The zero value makes a random one and lets the former ones sign for a day.
type Rotation struct {
	// Secret is one of your own.
	Secret string `json:"secret,omitempty"`
	// OverlapSeconds is how long the former ones stay live; nil for a day.
	OverlapSeconds *int `json:"overlapSeconds,omitempty"`
	// Extra are keys that this package has no field for.
	Extra map[string]any `json:"-"`
}

// Test is what a test delivery sends.
type Test struct {
	EventType string `json:"eventType,omitempty"`
	// Data is nil for the catalog's sample of the type.
	Data any `json:"data,omitempty"`
	// Extra are keys that this package has no field for.
	Extra map[string]any `json:"-"`
}

// TestReceipt names what a test delivery has made.
type TestReceipt struct {
	EventID    string `json:"eventId"`
	DeliveryID string `json:"deliveryId"`
}

// CreateWebhook registers a webhook: events pushed after the return see it.
//
// Errors: ErrInvalidDocument, whose text names the key and what is accepted; ErrUnknownEventType; ErrAddressRefused.
func (e *Engine) CreateWebhook(webhook Webhook) (StoredWebhook, error) {
	defer runtime.KeepAlive(e)
	text, err := document(webhook, webhook.Extra)
	if err != nil {
		return StoredWebhook{}, err
	}
	return storedWebhook(take(C.glue_webhook_create(e.handle, pointer(text), C.size_t(len(text)))))
}

// UpdateWebhook changes a webhook and gives it as it is now. Deliveries that are pending use the new values too.
func (e *Engine) UpdateWebhook(id string, change Change) (StoredWebhook, error) {
	defer runtime.KeepAlive(e)
	text, err := marshal(change)
	if err != nil {
		return StoredWebhook{}, err
	}
	return storedWebhook(take(C.glue_webhook_update(e.handle, id, pointer(text), C.size_t(len(text)))))
}

// CheckWebhook gives the error that CreateWebhook would give, and registers nothing: for a form that judges while somebody
// types.
func (e *Engine) CheckWebhook(webhook Webhook) error {
	text, err := document(webhook, webhook.Extra)
	if err != nil {
		return err
	}
	return e.check("", text)
}

// CheckChange gives the error that UpdateWebhook would give, and changes nothing.
func (e *Engine) CheckChange(id string, change Change) error {
	text, err := marshal(change)
	if err != nil {
		return err
	}
	if id == "" {
		id = " "
	}
	return e.check(id, text)
}

func (e *Engine) check(id string, text []byte) error {
	defer runtime.KeepAlive(e)
	_, err := take(C.glue_webhook_check(e.handle, id, pointer(text), C.size_t(len(text))))
	return err
}

// Webhook reads one.
func (e *Engine) Webhook(id string) (StoredWebhook, error) {
	defer runtime.KeepAlive(e)
	return storedWebhook(take(C.glue_webhook_get(e.handle, id)))
}

// WebhookQuery is how webhooks are listed.
type WebhookQuery struct {
	// Limit is the size of a page, 1 to 1000; 0 for the default.
	Limit int
	// Extra are keys that this package has no field for.
	Extra map[string]any
}

// Webhooks goes over all webhooks in the order of their creation, a page at a time, until the context ends.
func (e *Engine) Webhooks(ctx context.Context, query WebhookQuery) *Iterator[StoredWebhook] {
	keys := newKeys(query.Extra).with("limit", query.Limit, query.Limit != 0)
	return &Iterator[StoredWebhook]{page: func(cursor string) ([]StoredWebhook, string, error) {
		defer runtime.KeepAlive(e)
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		text, err := marshal(keys.with("cursor", cursor, cursor != ""))
		if err != nil {
			return nil, "", err
		}
		var page struct {
			Webhooks []json.RawMessage
			Cursor   string
		}
		if err := into(C.glue_webhook_list(e.handle, pointer(text), C.size_t(len(text))), &page); err != nil {
			return nil, "", err
		}
		webhooks := make([]StoredWebhook, len(page.Webhooks))
		for i, text := range page.Webhooks {
			if webhooks[i], err = storedWebhook(text, nil); err != nil {
				return nil, "", err
			}
		}
		return webhooks, page.Cursor, nil
	}}
}

// DeleteWebhook deletes one and cancels its deliveries. After the return no attempt for it starts.
func (e *Engine) DeleteWebhook(id string) error {
	defer runtime.KeepAlive(e)
	_, err := take(C.glue_webhook_delete(e.handle, id))
	return err
}

// EnableWebhook lets a webhook get events again, and what is pending for it.
func (e *Engine) EnableWebhook(id string) error { return e.setEnabled(id, 1) }

// DisableWebhook stops a webhook: new events pass it by and what is pending waits. After the return no attempt starts.
func (e *Engine) DisableWebhook(id string) error { return e.setEnabled(id, 0) }

func (e *Engine) setEnabled(id string, enabled C.int32_t) error {
	defer runtime.KeepAlive(e)
	_, err := take(C.glue_webhook_set_enabled(e.handle, id, enabled))
	return err
}

// Secrets reads the signing secrets of a webhook that are live, the current one first.
func (e *Engine) Secrets(id string) ([]Secret, error) {
	defer runtime.KeepAlive(e)
	return secrets(C.glue_webhook_secrets(e.handle, id))
}

// RotateSecret makes a new signing secret the current one, and gives all that are live.
func (e *Engine) RotateSecret(id string, rotation Rotation) ([]Secret, error) {
	defer runtime.KeepAlive(e)
	text, err := document(rotation, rotation.Extra)
	if err != nil {
		return nil, err
	}
	return secrets(C.glue_webhook_rotate_secret(e.handle, id, pointer(text), C.size_t(len(text))))
}

// TestWebhook sends a test to a webhook now, also to a disabled one, once and past its limits. Read its result with
// [Engine.Delivery], or from the outcomes.
func (e *Engine) TestWebhook(id string, test Test) (TestReceipt, error) {
	defer runtime.KeepAlive(e)
	var receipt TestReceipt
	text, err := document(test, test.Extra)
	if err != nil {
		return receipt, err
	}
	err = into(C.glue_webhook_test(e.handle, id, pointer(text), C.size_t(len(text))), &receipt)
	return receipt, err
}

func storedWebhook(text []byte, err error) (StoredWebhook, error) {
	webhook := StoredWebhook{Document: text}
	if err == nil {
		err = json.Unmarshal(text, &webhook)
	}
	return webhook, err
}

func secrets(result C.glue_result) ([]Secret, error) {
	var listing struct{ Secrets []Secret }
	err := into(result, &listing)
	return listing.Secrets, err
}
