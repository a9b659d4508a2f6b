#include "martlet_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Of a journal, beside an event's data: its frame and its record, and what its delivery writes.
enum { RECORD_BYTES = 512 };
/// Of one event where files are small: 64 KiB and up hold it.
enum { LARGEST_DATA = 32 << 10 };

struct host host_open(const struct options *options, long events)
{
    struct host host = {
        .options = options,
        .type_count = options->fan_out || options->no_match ? 1 : options->webhooks,
    };
    host.data = file_read(options->data, &host.data_size);
    host.engine = api_open((struct api_limits) {
        .lanes = options->lanes,
        // The last eighth of an engine's slots is for webhooks with nothing under way: this leaves what was asked for.
        .in_flight = options->in_flight + options->in_flight / 7 + options->lanes,
        .queued_events = events,
        .types = host.type_count + options->no_match, // the last one is for webhooks that want nothing that is pushed
        .authority = options->authority,
        .queued_bytes = (size_t)events * (host.data_size + 1024) + ((size_t)64 << 20),
        .directory = options->directory,
        .sync = options->sync,
        .journal_bytes = 2 * (size_t)events * (host.data_size + RECORD_BYTES),
        .segment_bytes = (size_t)options->segment_bytes,
        // A file must hold the largest event.
        .event_bytes = options->segment_bytes ? LARGEST_DATA : 0,
    });
    host.types = calloc((size_t)host.type_count, sizeof *host.types);
    host.type_sizes = calloc((size_t)host.type_count, sizeof *host.type_sizes);
    if (!host.types || !host.type_sizes)
        exit(1);
    for (int i = 0; i < host.type_count; i++)
        host.type_sizes[i] = (size_t)snprintf(host.types[i], TYPE_SIZE, "bench.type%03d", i);
    return host;
}

void host_add_webhooks(struct host *host)
{
    const struct options *options = host->options;
    host->webhooks = calloc((size_t)options->webhooks, sizeof *host->webhooks);
    if (!host->webhooks)
        exit(1);
    for (int i = 0; i < options->webhooks; i++) {
        char url[64];
        url_write(url, sizeof url, i % options->hosts, options->port);
        const char *type = options->no_match ? "bench.type001" : host->types[i % host->type_count];
        api_add_webhook(host->engine, url, type, NULL, host->webhooks[i]);
    }
}

void host_push(const struct host *host, long number)
{
    size_t type = (size_t)(number % host->type_count);
    api_push(host->engine, host->types[type], host->type_sizes[type], host->data, host->data_size, 0);
}

char *host_lines(const struct host *host, long count, size_t *size)
{
    static const char format[] = "{\"eventType\":\"%s\",\"data\":%s}\n";
    size_t room = (size_t)count * (sizeof format + TYPE_SIZE + host->data_size), used = 0;
    char *lines = malloc(room);
    if (!lines)
        exit(1);
    for (long i = 0; i < count; i++)
        used += (size_t)snprintf(lines + used, room - used, format, host->types[i % host->type_count], host->data);
    *size = used;
    return lines;
}

void host_end(struct host *host)
{
    api_end(host->engine);
    free(host->types);
    free(host->type_sizes);
    free(host->webhooks);
    free(host->data);
}
