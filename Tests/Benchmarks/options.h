/// The command line that every C benchmark client shares; the Go, Node and Python clients read the same first seven.
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    int port;              // of the sink
    int hosts;             // loopback addresses from 127.0.0.1 on; delivery i goes to host i modulo this
    const char *headers;   // file with "name: value" lines
    const char *body;      // file with the request body
    long count;            // deliveries, or pushes, that are measured
    long warm_up;          // done before the measured part
    int in_flight;         // deliveries at once
    const char *stamps;    // file shared with the sink; asks for latencies instead of a rate
    int batch;             // push: events in one call; sqlite_bench: rows in one transaction
    const char *directory; // of a journal or a database, empty; without one the engine keeps everything in memory
    const char *sync;      // when what was accepted is forced to the disk: os, interval or always
    const char *authority; // PEM file; with one, the receiver is spoken to over TLS and must be vouched for by it
    int multis;            // bare_libcurl only: multi handles that the hosts are dealt to
    const char *mode;      // martlet_bench only, as are the rest: deliver, push, latency and more
    const char *data;      // file with the event's data, of which the engine makes the body
    int lanes;
    int webhooks;          // registered; webhook i is on host i modulo `hosts`
    bool fan_out;          // each event goes to all webhooks, not to one in turn
    bool no_match;         // push: no webhook wants the event
    int per_webhook;       // fairness: requests that may be under way at once to one webhook
    int hanging;           // fairness: so many of the webhooks have a receiver that does not answer
    int hanging_port;      // of that receiver
    int threads;           // push: that push at the same time
    long segment_bytes;    // of one file of the journal; 0 takes the default
    long window;           // deliver: deliveries that are pushed before all of them are waited for
    bool cold;             // recovery: the files are not in the page cache
};

/// Reads the command line over the defaults; ends the process with code 2 on anything it does not know.
struct options options_read(int count, char **arguments);

/// The whole file, with a NUL after it; the caller frees it. Ends the process on failure.
char *file_read(const char *path, size_t *size);

/// Writes "http://127.x.y.z:port/webhook" for host `host`, with https where the options name an authority.
void url_write(char *text, size_t size, int host, int port);

/// Lifts the soft limit of open files to the hard one.
void files_limit_raise(void);

#endif
