// Command host is the Go host of the benchmark, see hosts.py for what is measured. Prints one JSON line.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"martlet.example/martlet"
)

const (
	eventType = "call.completed"
	window    = 4096 // deliveries that may be under way or queued; with more, only memory would be measured
)

var (
	mode          = flag.String("mode", "", "push, drain, send or deliver")
	form          = flag.String("form", "", "native, ready or each")
	configuration = flag.String("configuration", "", "of the engine")
	webhook       = flag.String("webhook", "", "to register")
	dataPath      = flag.String("data", "", "file with the data of an event")
	count         = flag.Int("count", 0, "events that are measured")
	warmUp        = flag.Int("warm-up", 0, "events before that")
	batch         = flag.Int("batch", 1, "events in one call")

	background = context.Background()
)

// call is what a Go program has as data: a struct.
type call struct {
	CallID         string   `json:"callId"`
	CustomerNumber string   `json:"customerNumber"`
	CallStatus     string   `json:"callStatus"`
	AgentID        string   `json:"agentId"`
	CallDuration   int      `json:"callDuration"`
	CallDirection  string   `json:"callDirection"`
	Analysis       analysis `json:"analysis"`
	Transcript     string   `json:"transcript"`
}

type analysis struct {
	Sentiment string  `json:"sentiment"`
	Score     float64 `json:"score"`
	Tags      []any   `json:"tags"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func pushAll(engine *martlet.Engine, data any, ready []byte, total int) {
	if *batch == 1 {
		for tag := 0; tag < total; tag++ {
			_, err := engine.Push(background, martlet.Event{Type: eventType, Data: data, Tag: uint64(tag)})
			check(err)
		}
		return
	}
	line := fmt.Sprintf(`{"eventType":"%s","data":%s}`+"\n", eventType, ready)
	lines := bytes.Repeat([]byte(line), *batch)
	events := make([]martlet.Event, *batch)
	for i := range events {
		events[i] = martlet.Event{Type: eventType, Data: data}
	}
	for pushed := 0; pushed < total; pushed += *batch {
		var err error
		if *form == "ready" {
			_, err = engine.PushJSON(background, lines)
		} else {
			_, err = engine.PushMany(background, events)
		}
		check(err)
	}
}

func send(engine *martlet.Engine, data any, total int) {
	for pushed := 1; pushed <= total; pushed++ {
		_, err := engine.Push(background, martlet.Event{Type: eventType, Data: data, Tag: uint64(pushed)})
		check(err)
		if pushed%window == 0 || pushed == total {
			check(engine.Flush(background))
		}
	}
}

func deliver(engine *martlet.Engine, outcomes <-chan martlet.Outcome, data any, total int) {
	for pushed, settled := 0, 0; settled < total; {
		for ; pushed < total && pushed-settled < window; pushed++ {
			_, err := engine.Push(background, martlet.Event{Type: eventType, Data: data, Tag: uint64(pushed)})
			check(err)
		}
		until := total
		if pushed < total {
			until = pushed - window/2
		}
		for ; settled < until; settled++ {
			if outcome := <-outcomes; outcome.State != martlet.Succeeded {
				log.Fatalf("a delivery ended as %v: %v", outcome.State, outcome.Failure)
			}
		}
	}
}

// usage gives CPU seconds: of the process by syscall.RUSAGE_SELF, of this goroutine's thread by 1, RUSAGE_THREAD.
func usage(who int) (user, system time.Duration) {
	var usage syscall.Rusage
	check(syscall.Getrusage(who, &usage))
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
}

// peakKiB reads VmHWM: ru_maxrss starts at the size of the process that started this one.
func peakKiB() (peak int) {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Sscanf(line, "VmHWM: %d", &peak)
		}
	}
	return peak
}

func measure(things string, part func()) {
	userBefore, systemBefore := usage(syscall.RUSAGE_SELF)
	threadUser, threadSystem := usage(1)
	began := time.Now()
	part()
	seconds := time.Since(began).Seconds()
	user, system := usage(syscall.RUSAGE_SELF)
	threadUserAfter, threadSystemAfter := usage(1)
	fmt.Printf("{\"%s\":%d,\"seconds\":%.6f,\"threadSeconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%d}\n",
		things, *count, seconds, (threadUserAfter - threadUser + threadSystemAfter - threadSystem).Seconds(),
		(user - userBefore).Seconds(), (system - systemBefore).Seconds(), peakKiB())
}

func main() {
	flag.Parse()
	if *mode == "push" {
		runtime.LockOSThread() // so that there is a thread whose CPU can be told
	}
	ready, err := os.ReadFile(*dataPath)
	check(err)
	var data any = json.RawMessage(ready)
	if *form == "native" {
		var value call
		check(json.Unmarshal(ready, &value))
		data = value
	}
	engine, err := martlet.OpenJSON(background, []byte(*configuration))
	check(err)
	var wanted martlet.Webhook
	check(json.Unmarshal([]byte(*webhook), &wanted))
	_, err = engine.CreateWebhook(wanted)
	check(err)

	switch *mode {
	case "push":
		pushAll(engine, data, ready, *warmUp)
		measure("pushes", func() { pushAll(engine, data, ready, *count) })
	case "drain":
		pushAll(engine, data, ready, *count)
		_, err := engine.CancelDeliveries(martlet.DeliveryQuery{})
		check(err)
		check(engine.Flush(background))
		measure("outcomes", func() {
			outcomes, err := engine.Outcomes()
			check(err)
			for taken := 0; taken < *count; taken++ {
				<-outcomes
			}
		})
	case "send":
		send(engine, data, *warmUp)
		measure("deliveries", func() { send(engine, data, *count) })
	default:
		outcomes, err := engine.Outcomes()
		check(err)
		deliver(engine, outcomes, data, *warmUp)
		measure("deliveries", func() { deliver(engine, outcomes, data, *count) })
	}
	check(engine.Close())
}
