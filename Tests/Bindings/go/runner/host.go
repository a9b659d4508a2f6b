package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"martlet.example/martlet"
)

var background = context.Background()

// host performs the operations of a case with one engine.
type host struct {
	receiver string
	engine   *martlet.Engine
}

func (h *host) end() {
	if h.engine != nil {
		h.engine.Close()
	}
}

func (h *host) perform(name string, operation any) (any, error) {
	text, _ := operation.(string)
	object, _ := operation.(document)
	list, _ := operation.([]any)
	switch name {
	case "open":
		h.end()
		engine, err := martlet.Open(background, martlet.Config{Extra: object})
		h.engine = engine
		return nil, err
	case "beside":
		engine, err := martlet.Open(background, martlet.Config{Extra: object})
		if err == nil {
			engine.Close()
		}
		return nil, err
	case "create":
		stored, err := h.engine.CreateWebhook(martlet.Webhook{Extra: object})
		return stored.Document, err
	case "get":
		stored, err := h.engine.Webhook(text)
		return stored.Document, err
	case "list":
		webhooks, err := h.engine.Webhooks(background, martlet.WebhookQuery{Extra: object}).All()
		documents := []json.RawMessage{}
		for _, webhook := range webhooks {
			documents = append(documents, webhook.Document)
		}
		return document{"webhooks": documents}, err
	case "check":
		if list[0] == nil {
			return nil, h.engine.CheckWebhook(martlet.Webhook{Extra: list[1].(document)})
		}
		return nil, h.engine.CheckChange(list[0].(string), list[1].(document))
	case "update":
		stored, err := h.engine.UpdateWebhook(list[0].(string), list[1].(document))
		return stored.Document, err
	case "delete":
		return nil, h.engine.DeleteWebhook(text)
	case "enable":
		return nil, h.engine.EnableWebhook(text)
	case "disable":
		return nil, h.engine.DisableWebhook(text)
	case "secrets":
		secrets, err := h.engine.Secrets(text)
		return document{"secrets": secrets}, err
	case "rotate":
		secrets, err := h.engine.RotateSecret(list[0].(string), martlet.Rotation{Extra: list[1].(document)})
		return document{"secrets": secrets}, err
	case "test":
		return asAny(h.engine.TestWebhook(list[0].(string), martlet.Test{Extra: list[1].(document)}))
	case "push":
		receipt, err := h.engine.Push(background, martlet.Event{
			Type: object["type"].(string), Data: object["data"], Tag: tag(object["tag"]),
		})
		return document{"id": receipt.ID}, err
	case "pushText":
		receipt, err := h.engine.Push(background, martlet.Event{
			Type: object["type"].(string), Data: json.RawMessage(object["text"].(string)),
		})
		return document{"id": receipt.ID}, err
	case "pushUntil":
		for i := int64(0); i < integer(object["most"]); i++ {
			data := strings.Repeat("x", int(integer(object["bytes"])))
			if _, err := h.engine.Push(background, martlet.Event{Type: object["type"].(string), Data: data}); err != nil {
				return nil, err
			}
		}
		return nil, nil
	case "pushMany":
		events := make([]martlet.Event, len(list))
		for i := range list {
			events[i] = event(list[i].(document))
		}
		pushed, err := h.engine.PushMany(background, events)
		return document{"accepted": pushed.Accepted, "duplicates": pushed.Duplicates}, err
	case "addType":
		return nil, h.engine.AddEventType(martlet.EventType{Name: object["name"].(string), Extra: without(object, "name")})
	case "eventTypes":
		types, err := h.engine.EventTypes()
		return document{"eventTypes": types}, err
	case "flush":
		context, cancel := withMilliseconds(operation)
		defer cancel()
		return nil, h.engine.Flush(context)
	case "close":
		context, cancel := withMilliseconds(operation)
		defer cancel()
		return nil, h.engine.Shutdown(context)
	case "outcomes":
		return h.outcomes(int(integer(operation)))
	case "deliveries":
		deliveries, err := h.engine.Deliveries(background, martlet.DeliveryQuery{Extra: object}).All()
		documents := []json.RawMessage{}
		for _, delivery := range deliveries {
			documents = append(documents, delivery.Document)
		}
		return document{"deliveries": documents}, err
	case "delivery":
		delivery, err := h.engine.Delivery(text)
		return delivery.Document, err
	case "redeliver":
		id, err := h.engine.Redeliver(text)
		return document{"id": id}, err
	case "replay":
		return asAny(h.engine.Replay(martlet.DeliveryQuery{Extra: object}))
	case "cancel":
		return nil, h.engine.CancelDelivery(text)
	case "cancelAll":
		count, err := h.engine.CancelDeliveries(martlet.DeliveryQuery{Extra: object})
		return document{"canceled": count}, err
	case "received":
		return h.received(text)
	case "stats":
		statistics, err := h.engine.Statistics()
		return statistics.Document, err
	case "metrics":
		metrics, err := h.engine.Metrics()
		return document{"text": string(metrics)}, err
	case "sign":
		signature, err := martlet.Sign(object["secret"].(string), object["id"].(string),
			time.Unix(integer(object["timestamp"]), 0), []byte(object["body"].(string)))
		return document{"signature": signature}, err
	case "verify":
		return nil, verify(object)
	}
	return nil, fmt.Errorf("unknown operation %q", name)
}

func (h *host) outcomes(count int) (any, error) {
	outcomes, err := h.engine.Outcomes()
	if err != nil {
		return nil, err
	}
	got := []document{}
	limit := time.After(20 * time.Second)
	for len(got) < count {
		select {
		case outcome, isOpen := <-outcomes:
			if !isOpen {
				return nil, fmt.Errorf("the outcomes ended after %d of %d", len(got), count)
			}
			got = append(got, document{
				"kind": outcome.Kind.String(), "state": outcome.State.String(), "failure": outcome.Failure.String(),
				"eventId": outcome.EventID, "deliveryId": outcome.DeliveryID, "webhookId": outcome.WebhookID,
				"tag": outcome.Tag, "attempts": outcome.Attempts, "httpStatus": outcome.HTTPStatus,
			})
		case <-limit:
			return nil, fmt.Errorf("%d of %d outcomes came: %v", len(got), count, got)
		}
	}
	sort.Slice(got, func(i, j int) bool {
		for _, key := range []string{"kind", "eventId", "deliveryId"} {
			if a, b := got[i][key].(string), got[j][key].(string); a != b {
				return a < b
			}
		}
		return false
	})
	return got, nil
}

func (h *host) received(path string) (any, error) {
	answer, err := http.Get(h.receiver + "/requests" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return document{"requests": json.RawMessage(body)}, err
}

func verify(request document) error {
	header := http.Header{}
	for key, name := range map[string]string{
		"id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature",
	} {
		header.Set(name, request[key].(string))
	}
	verifier := martlet.Verifier{
		Secrets:   request["secret"].(string),
		Tolerance: time.Duration(integer(request["toleranceSeconds"])) * time.Second,
	}
	if now, isThere := request["now"]; isThere {
		verifier.Now = func() time.Time { return time.Unix(integer(now), 0) }
	}
	return verifier.Verify(header, []byte(request["body"].(string)))
}

// event is a whole event document with the binding's own fields, as far as it has them.
func event(object document) martlet.Event {
	event := martlet.Event{Data: object["data"], Tag: tag(object["tag"])}
	event.Type, _ = object["eventType"].(string)
	event.ID, _ = object["id"].(string)
	event.Tenant, _ = object["tenant"].(string)
	event.Key, _ = object["key"].(string)
	event.Extra = without(object, "data", "tag", "eventType", "id", "tenant", "key")
	return event
}

func without(object document, keys ...string) document {
	rest := document{}
	for key, value := range object {
		rest[key] = value
	}
	for _, key := range keys {
		delete(rest, key)
	}
	return rest
}

func withMilliseconds(number any) (context.Context, context.CancelFunc) {
	return context.WithTimeout(background, time.Duration(integer(number))*time.Millisecond)
}

func integer(value any) int64 {
	number, _ := value.(json.Number)
	integer, _ := number.Int64()
	return integer
}

func tag(value any) uint64 {
	number, _ := value.(json.Number)
	tag, _ := strconv.ParseUint(string(number), 10, 64)
	return tag
}

func asAny[T any](value T, err error) (any, error) { return value, err }
