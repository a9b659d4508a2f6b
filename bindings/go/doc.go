// Package martlet sends webhooks from inside of a Go program: it links libmartlet, which matches events with the
// webhooks that want them, signs, delivers, retries, and reports what became of each.
//
//	engine, err := martlet.Open(ctx, martlet.Config{Outcomes: "all"})
//	engine.CreateWebhook(martlet.Webhook{URL: "https://receiver.example.com/hooks", Events: []string{"call.*"}})
//	engine.Push(ctx, martlet.Event{Type: "call.completed", Data: call, Tag: 7})
//	outcomes, err := engine.Outcomes()
//	for outcome := range outcomes { ... }
//
// # Names and units
//
// Fields are called as the keys of the configuration reference are, and count as its units say: TimeoutMs is timeoutMs.
// Nothing is checked or defaulted here: a field with its zero value is left out, and the library decides. Where zero
// means something of its own the field is a pointer; [Ptr] makes one. Extra takes keys that this package has no field
// for.
//
// # Errors
//
// What the library refuses is an [*Error] with a [Code]: errors.Is(err, martlet.ErrQueueFull).
//
// # Goroutines
//
// Every function may be called by any goroutine at any time. The library runs threads of its own, which never call Go.
//
// # End
//
// [Engine.Shutdown] gives accepted events time, [Engine.Close] gives back everything. An engine that is forgotten keeps
// nobody from exiting.
package martlet

//go:generate ./bundle.sh
