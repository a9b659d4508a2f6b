package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"martlet.example/martlet"
)

func TestACallIsToldToThoseWhoSubscribed(t *testing.T) {
	answering := func(status int) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		return server
	}
	s, err := newService(martlet.Config{Environment: "development", Policy: martlet.Policy{Retry: martlet.RetryAfter(0.01)}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.engine.Close()
	routes := s.routes()
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		routes.ServeHTTP(answer, httptest.NewRequest(method, path, strings.NewReader(body)))
		return answer
	}

	for _, status := range []int{200, 204, 500} {
		answer := ask("POST", "/webhooks", `{"url":"`+answering(status).URL+`","events":["call.*"]}`)
		if answer.Code != 200 || !strings.Contains(answer.Body.String(), `"id":"wh_`) {
			t.Fatal(answer.Code, answer.Body)
		}
	}
	if answer := ask("POST", "/webhooks", `{"url":"http://127.0.0.1/","events":["call.complete"]}`); answer.Code != 400 ||
		!strings.Contains(answer.Body.String(), "call.completed") {
		t.Error(answer.Code, answer.Body)
	}
	if answer := ask("POST", "/calls", `{"callId":`); answer.Code != 400 {
		t.Error(answer.Code, answer.Body)
	}
	if answer := ask("POST", "/calls", `{"callId":"call_1"}`); answer.Code != 200 || answer.Body.String() != "{\"call\":2}\n" {
		t.Fatal(answer.Code, answer.Body)
	}
	if answer := ask("GET", "/metrics", ""); !strings.Contains(answer.Body.String(), "martlet_events_accepted_total 1\n") {
		t.Error(answer.Body)
	}
	if err := s.end(20 * time.Second); err != nil {
		t.Error(err)
	}
	var told call
	if err := json.Unmarshal(ask("GET", "/calls/2", "").Body.Bytes(), &told); err != nil || told.State != "failed" ||
		told.Reached != 2 || len(told.Missed) != 1 || !strings.Contains(told.Missed[0], "HTTP 500") {
		t.Error(told, err)
	}
	if answer := ask("GET", "/calls/1", ""); !strings.Contains(answer.Body.String(), "refused") {
		t.Error(answer.Body)
	}
	if answer := ask("GET", "/calls/3", ""); answer.Code != 404 {
		t.Error(answer.Code)
	}
	if answer := ask("POST", "/calls", `{}`); answer.Code != 503 {
		t.Error("after the end:", answer.Code, answer.Body)
	}
}
