// Command start sends one event to a webhook and tells what became of it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"martlet.example/martlet"
)

func main() {
	url := append(os.Args[1:], "http://127.0.0.1:3000/subverse/webhook")[0]
	ctx := context.Background()
	engine, err := martlet.Open(ctx, martlet.Config{Environment: "development", Outcomes: "deliveries"})
	check(err)
	defer engine.Close()
	_, err = engine.CreateWebhook(martlet.Webhook{URL: url, Events: []string{"call.*"}})
	check(err)

	call := map[string]any{"callId": "call_1", "callStatus": "completed", "callDuration": 185}
	receipt, err := engine.Push(ctx, martlet.Event{Type: "call.completed", Data: call})
	check(err)
	outcomes, err := engine.Outcomes()
	check(err)
	outcome := <-outcomes // after the delivery and its retries
	fmt.Printf("%s %s: attempts %d, HTTP %d\n", receipt.ID, outcome.State, outcome.Attempts, outcome.HTTPStatus)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
