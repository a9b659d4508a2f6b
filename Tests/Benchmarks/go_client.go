// A Go net/http client for the benchmark table: one Transport, kept-alive connections, one goroutine for each delivery
// in flight. Prints one JSON line.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	port        = flag.Int("port", 0, "port of the sink")
	hosts       = flag.Int("hosts", 1, "loopback addresses from 127.0.0.1 on")
	headersPath = flag.String("headers", "", "file with name: value lines")
	bodyPath    = flag.String("body", "", "file with the request body")
	count       = flag.Int64("count", 10000, "deliveries that are measured")
	warmUp      = flag.Int64("warm-up", 500, "deliveries before that")
	inFlight    = flag.Int("in-flight", 64, "deliveries at once")
)

func read(path string) []byte {
	bytes, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

type header struct{ name, value string }

// deliver sends one request and reads its answer to the end, so that the connection can be used again. The headers are
// set on each request, as every sender must whose id, time and signature differ from one to the next.
func deliver(client *http.Client, url string, headers []header, body []byte) error {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for _, header := range headers {
		request.Header.Set(header.name, header.value)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// run makes `total` deliveries, `inFlight` at a time.
func run(client *http.Client, urls []string, headers []header, body []byte, total int64) {
	var next int64
	var workers sync.WaitGroup
	for worker := 0; worker < *inFlight; worker++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				delivery := atomic.AddInt64(&next, 1) - 1
				if delivery >= total {
					return
				}
				if err := deliver(client, urls[delivery%int64(len(urls))], headers, body); err != nil {
					log.Fatalf("a delivery failed: %v", err)
				}
			}
		}()
	}
	workers.Wait()
}

func usage() (user, system time.Duration) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())
}

// peakKiB reads VmHWM: ru_maxrss starts at the size of the process that started this one.
func peakKiB() (peak int) {
	for _, line := range strings.Split(string(read("/proc/self/status")), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			fmt.Sscanf(line, "VmHWM: %d", &peak)
		}
	}
	return peak
}

func main() {
	flag.Parse()
	var headers []header
	for _, line := range strings.Split(strings.TrimSpace(string(read(*headersPath))), "\n") {
		name, value, _ := strings.Cut(line, ": ")
		headers = append(headers, header{name, value})
	}
	body := read(*bodyPath)
	urls := make([]string, *hosts)
	for host := range urls {
		address := 0x7f000001 + host
		urls[host] = fmt.Sprintf("http://%d.%d.%d.%d:%d/webhook",
			address>>24, address>>16&255, address>>8&255, address&255, *port)
	}
	client := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns:        *inFlight + *hosts,
			MaxIdleConnsPerHost: *inFlight,
			DisableCompression:  true,
		},
	}

	run(client, urls, headers, body, *warmUp)
	userBefore, systemBefore := usage()
	began := time.Now()
	run(client, urls, headers, body, *count)
	seconds := time.Since(began).Seconds()
	user, system := usage()
	fmt.Printf("{\"deliveries\":%d,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%d}\n",
		*count, seconds, (user - userBefore).Seconds(), (system - systemBefore).Seconds(), peakKiB())
}
