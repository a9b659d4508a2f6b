/// Every use that the benchmark makes of Martlet's C ABI, so that a change of the ABI is a change in one small file.
/// Each function ends the process with the library's own error text when something is wrong.
#ifndef MARTLET_API_H
#define MARTLET_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <martlet.h>

/// Room for a webhook's id with its NUL.
enum { API_ID_SIZE = 40 };

/// What the benchmark asks of an engine; everything else is the default.
struct api_limits {
    int lanes;
    int in_flight;
    long queued_events;
    size_t queued_bytes;
    int types; // event types bench.type000 and on that the engine is to know
    const char *authority; // PEM file to trust instead of the system's; NULL for none
    int in_flight_per_webhook; // 0: as many as `in_flight`
    bool outcomes; // report each delivery that is settled
    const char *directory; // of the journal; NULL keeps everything in memory, and the rest is for a journal only
    const char *sync;
    size_t journal_bytes; // it may take; at least the default is allowed
    size_t segment_bytes; // 0 takes the default
    size_t event_bytes; // the largest data of an event; 0 takes the default
};

martlet_engine_t api_open(struct api_limits limits);

/// Registers a webhook for one event type; with an `agent`, for this agent's events alone. `id` receives the webhook's
/// id, or is NULL.
void api_add_webhook(
    martlet_engine_t engine, const char *url, const char *type, const char *agent, char id[API_ID_SIZE]);

/// Lets so many attempts a second go to one webhook; 0 is no limit.
void api_limit_rate(martlet_engine_t engine, const char *id, double per_second);

/// Pushes one event without asking for its id.
void api_push(
    martlet_engine_t engine, const char *type, size_t type_size, const char *data, size_t data_size, uint64_t tag);

/// Pushes whole events, one a line; they must be `count`.
void api_push_lines(martlet_engine_t engine, const char *lines, size_t size, long count);

/// The descriptor that is readable while outcomes wait.
int api_outcomes_fd(martlet_engine_t engine);

/// Takes up to `capacity` outcomes; returns how many there were.
size_t api_poll(martlet_engine_t engine, martlet_outcome_t *outcomes, size_t capacity);

/// A number of the engine's statistics: the first `key` behind the first `part`, which may be NULL.
long long api_statistic(martlet_engine_t engine, const char *part, const char *key);

/// Waits until everything that was pushed is settled.
void api_flush(martlet_engine_t engine);

/// Closes without draining: what is still queued is given up, or stays in the journal.
void api_end(martlet_engine_t engine);

#endif
