package martlet_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"martlet.example/martlet"
)

// A kibibyte, as a call's data is.
var kibibyte = map[string]any{
	"callId": "call_1", "agentId": "agent_17", "callDuration": 185, "callStatus": "completed",
	"transcript": strings.Repeat("Hello, I call about your visit on Friday. ", 22),
}

// pushing measures pushes without a webhook that wants them, and with one, whose receiver never answers: then what is
// measured is check, match and queue.
func pushing(b *testing.B, push func(b *testing.B, engine *martlet.Engine)) {
	for _, webhooks := range []string{"none", "one"} {
		b.Run(webhooks, func(b *testing.B) {
			engine := open(b, martlet.Config{
				Queue:                &martlet.Queue{MaxEvents: b.N + 1000, MaxBytes: 64 << 30},
				MaxPendingPerWebhook: b.N + 1000,
				Policy:               martlet.Policy{TimeoutMs: 300000, ConnectTimeoutMs: 300000},
			})
			if webhooks == "one" {
				silent, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				defer silent.Close()
				create(b, engine, martlet.Webhook{URL: "http://" + silent.Addr().String(), Events: []string{"call.*"}})
			}
			b.ReportAllocs()
			b.ResetTimer()
			push(b, engine)
			b.StopTimer()
			engine.Close()
		})
	}
}

func BenchmarkPush(b *testing.B) {
	ready, err := json.Marshal(kibibyte)
	if err != nil {
		b.Fatal(err)
	}
	for name, data := range map[string]any{"ready": json.RawMessage(ready), "native": kibibyte} {
		b.Run(name, func(b *testing.B) {
			pushing(b, func(b *testing.B, engine *martlet.Engine) {
				for i := 0; i < b.N; i++ {
					if _, err := engine.Push(background, martlet.Event{Type: "call.completed", Data: data}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
		b.Run(name+"Many", func(b *testing.B) {
			events := make([]martlet.Event, 256)
			for i := range events {
				events[i] = martlet.Event{Type: "call.completed", Data: data}
			}
			pushing(b, func(b *testing.B, engine *martlet.Engine) {
				for i := 0; i < b.N; i += len(events) {
					if _, err := engine.PushMany(background, events); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkOutcomes(b *testing.B) {
	engine := open(b, martlet.Config{Outcomes: "events", Queue: &martlet.Queue{MaxEvents: b.N + 1000, MaxBytes: 64 << 30}})
	lines := []byte(strings.Repeat(`{"eventType":"call.placed","data":1}`+"\n", 1000))
	for i := 0; i < b.N; i += 1000 {
		if _, err := engine.PushJSON(background, lines); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	outcomes, err := engine.Outcomes()
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < b.N; i++ {
		<-outcomes
	}
}
