/// `index`: what a push costs with many webhooks of one tenant, all subscribed to the same event type and each filtered
/// on an agent of its own.
///
/// First the events come from agents that no webhook asks for. Then each event matches exactly one webhook, another one
/// from push to push. The receiver must hold its answers back (start the sink with `--delay-ms`): after the first
/// deliveries in flight nothing is sent, and what is measured is check, match and queue. Measured too: how long the
/// registration took, and its memory.
#include "martlet_bench.h"

#include "martlet_api.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Agents beyond any webhook's: the same length as theirs, so that the events differ in nothing else.
enum { MOST_WEBHOOKS = 400000, NOBODY = 500000, AGENT_DIGITS = 6 };

static const char type[] = "call.completed";

/// The event's data with room for another agent, and where its digits are.
struct event {
    char *data;
    size_t size;
    char *digits;
};

/// The data file with its `data.agentId` replaced by one of fixed length. Ends the process when there is none.
static struct event event_read(const char *path)
{
    static const char key[] = "\"agentId\":\"";
    size_t size;
    char *data = file_read(path, &size);
    char *value = strstr(data, key), *end = value ? strchr(value + sizeof key - 1, '"') : NULL;
    size_t room = size + sizeof "agent_" + AGENT_DIGITS;
    struct event event = { .data = malloc(room) };
    if (!end || !event.data) {
        fprintf(stderr, "%s has no agentId\n", path);
        exit(1);
    }
    int head = (int)(value - data) + (int)sizeof key - 1;
    event.size = (size_t)snprintf(event.data, room, "%.*sagent_000000%s", head, data, end);
    event.digits = event.data + head + sizeof "agent_" - 1;
    free(data);
    return event;
}

static void push(martlet_engine_t engine, struct event *event, int agent)
{
    for (int digit = AGENT_DIGITS - 1; digit >= 0; digit--, agent /= 10)
        event->digits[digit] = (char)('0' + agent % 10);
    api_push(engine, type, sizeof type - 1, event->data, event->size, 0);
}

/// Pushes events of `agents` agents in turn, numbered from `first` on.
static void push_many(martlet_engine_t engine, struct event *event, int first, int agents, long pushes)
{
    for (long i = 0; i < pushes; i++) {
        // 7919 is a prime that divides no round number: neighbours in time are not neighbours in memory.
        push(engine, event, first + (int)(i * 7919 % agents));
    }
}

/// Measures pushes to agents from `first` on, and prints them under `name`.
static void measure(
    martlet_engine_t engine, struct event *event, int first, const struct options *options, const char *name)
{
    push_many(engine, event, first, options->webhooks, options->warm_up);
    struct moment from = moment_now();
    push_many(engine, event, first, options->webhooks, options->count);
    struct moment to = moment_now();
    printf("\"%s\":{\"pushes\":%ld,\"seconds\":%.6f,\"threadSeconds\":%.6f},", name, options->count,
        to.clock - from.clock, to.thread - from.thread);
}

void measure_index(const struct options *options)
{
    if (options->webhooks > MOST_WEBHOOKS) {
        fprintf(stderr, "--mode index takes at most %d webhooks\n", MOST_WEBHOOKS);
        exit(2);
    }
    struct event event = event_read(options->data);
    long events = options->warm_up + options->count;
    martlet_engine_t engine = api_open((struct api_limits) {
        .lanes = options->lanes,
        .in_flight = options->in_flight,
        .queued_events = events,
        .queued_bytes = (size_t)events * (event.size + 1024) + ((size_t)64 << 20),
    });

    long resident = resident_kib();
    struct moment start = moment_now();
    for (int i = 0; i < options->webhooks; i++) {
        char url[80], agent[sizeof "agent_" + 16];
        url_write(url, sizeof url, i % options->hosts, options->port);
        size_t used = strlen(url);
        snprintf(url + used, sizeof url - used, "/%06d", i);
        snprintf(agent, sizeof agent, "agent_%06d", i);
        api_add_webhook(engine, url, type, agent, NULL);
    }
    struct moment registered = moment_now();
    resident = resident_kib() - resident;

    printf("{");
    measure(engine, &event, NOBODY, options, "none");
    measure(engine, &event, 0, options, "one");
    printf("\"webhooks\":%d,\"registrationSeconds\":%.6f,\"registeredKiB\":%ld,\"peakKiB\":%ld}\n", options->webhooks,
        registered.clock - start.clock, resident, peak_kib());
    api_end(engine);
    free(event.data);
}
