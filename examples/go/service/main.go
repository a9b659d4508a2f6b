// Command service is a telephone service as a host of Martlet: it takes calls over HTTP, tells those who subscribed,
// and knows of each call who was reached.
//
//	POST /webhooks  {"url":"https://...","events":["call.*"]}   subscribes; answers the stored webhook
//	POST /calls     {"callId":"call_1",...}                     a completed call; answers {"call":1}
//	GET  /calls/1                                               what became of telling it
//	GET  /metrics                                               for Prometheus
//
// On SIGTERM it takes no more, gives what is on its way ten seconds, and ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"martlet.example/martlet"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	environment := flag.String("environment", "production", "production, or development for receivers on this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, *listen, *environment); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, address, environment string) error {
	service, err := newService(martlet.Config{Environment: environment})
	if err != nil {
		return err
	}
	defer service.engine.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())

	server := &http.Server{Handler: service.routes()}
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Shutdown(last)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return service.end(10 * time.Second)
}
