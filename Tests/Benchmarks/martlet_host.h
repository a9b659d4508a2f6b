/// What most modes of martlet_bench begin with: an engine, the event types to push in turn, and webhooks for them.
#ifndef MARTLET_HOST_H
#define MARTLET_HOST_H

#include "martlet_api.h"
#include "options.h"

enum { TYPE_SIZE = 32 };

struct host {
    const struct options *options;
    martlet_engine_t engine;
    char *data; // of every event
    size_t data_size;
    char (*types)[TYPE_SIZE]; // pushed in turn
    size_t *type_sizes;
    int type_count;
    char (*webhooks)[API_ID_SIZE]; // the ids, once there are webhooks
};

/// Opens the engine that the options ask for, with a queue and a journal for `events` events. The options stay the
/// caller's; host_end() ends the engine.
struct host host_open(const struct options *options, long events);

/// Registers the webhooks: webhook i wants type i modulo the number of types, or with `--no-match` none that is pushed.
void host_add_webhooks(struct host *host);

/// Pushes event `number`, of the type whose turn it is.
void host_push(const struct host *host, long number);

/// So many events as documents, one a line, for api_push_lines(). The caller frees them.
char *host_lines(const struct host *host, long count, size_t *size);

void host_end(struct host *host);

#endif
