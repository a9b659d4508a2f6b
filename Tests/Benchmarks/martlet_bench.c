/// Martlet through its C ABI, as a host program uses it.
///
/// - `deliver`: CPU and time for each delivery, everything included: push, JSON check, matching, queue, signing,
///   transport, verdict and log. The host pushes a window of events and waits with flush until they are settled, so the
///   queue is short and the memory is the engine's, not the backlog's.
/// - `push`: how fast one thread can push. Nothing is waited for. With `--no-match` no webhook wants the events;
///   otherwise one webhook wants them, whose receiver holds every answer back (start the sink with `--delay-ms`), so
///   that after the first deliveries in flight the lane takes events in but sends nothing.
/// - `latency`: from just before push to the sink's first byte, with nothing else in the engine. The next push is made
///   when the delivery before it is settled.
/// - `fairness` and `index`: see martlet_fairness.c and martlet_index.c.
#include "martlet_bench.h"

#include "martlet_api.h"
#include "measure.h"
#include "options.h"
#include "stamps.h"

#include <string.h>

enum { WINDOW = 4096, QUEUE = 2 * WINDOW, TYPE_SIZE = 32 };

static struct {
    struct options options;
    martlet_engine_t engine;
    char *data;
    size_t data_size;
    char (*types)[TYPE_SIZE]; // the types to push in turn
    size_t *type_sizes;
    int type_count;
} bench;

/// Opens the engine with a queue for `events` events, and registers the webhooks.
static void set_up(long events)
{
    const struct options *options = &bench.options;
    bench.data = file_read(options->data, &bench.data_size);
    bench.engine = api_open((struct api_limits) {
        .lanes = options->lanes,
        // The last eighth of an engine's slots is for webhooks with nothing under way: this leaves as many as asked for.
        .in_flight = options->in_flight + options->in_flight / 7 + options->lanes,
        .queued_events = events,
        .types = options->fan_out || options->no_match ? 1 : options->webhooks,
        .queued_bytes = (size_t)events * (bench.data_size + 1024) + ((size_t)64 << 20),
    });
    bench.type_count = options->fan_out || options->no_match ? 1 : options->webhooks;
    bench.types = calloc((size_t)bench.type_count, sizeof *bench.types);
    bench.type_sizes = calloc((size_t)bench.type_count, sizeof *bench.type_sizes);
    if (!bench.types || !bench.type_sizes)
        exit(1);
    for (int i = 0; i < bench.type_count; i++)
        bench.type_sizes[i] = (size_t)snprintf(bench.types[i], TYPE_SIZE, "bench.type%03d", i);
    for (int i = 0; i < options->webhooks; i++) {
        char url[64];
        url_write(url, sizeof url, i % options->hosts, options->port);
        const char *type = options->no_match ? "bench.other" : bench.types[i % bench.type_count];
        api_add_webhook(bench.engine, url, type, NULL);
    }
}

static void push(long number)
{
    size_t type = (size_t)(number % bench.type_count);
    api_push(bench.engine, bench.types[type], bench.type_sizes[type], bench.data, bench.data_size, 0);
}

/// Delivers `deliveries`, a window at a time.
static void deliver(long deliveries)
{
    long each = bench.options.fan_out ? bench.options.webhooks : 1;
    long events = deliveries / each, window = WINDOW / each > 0 ? WINDOW / each : 1;
    for (long event = 0; event < events; event++) {
        push(event);
        if ((event + 1) % window == 0)
            api_flush(bench.engine);
    }
    api_flush(bench.engine);
}

static void measure_deliveries(void)
{
    set_up(QUEUE);
    deliver(bench.options.warm_up);
    struct moment from = moment_now();
    deliver(bench.options.count);
    struct moment to = moment_now();
    print_deliveries(bench.options.count, from, to);
}

static void measure_pushes(void)
{
    set_up(bench.options.warm_up + bench.options.count);
    for (long i = 0; i < bench.options.warm_up; i++)
        push(i);
    struct moment from = moment_now();
    for (long i = 0; i < bench.options.count; i++)
        push(i);
    struct moment to = moment_now();
    print_pushes(bench.options.count, from, to);
}

static void measure_latencies(void)
{
    struct stamps *stamps = stamps_map(bench.options.stamps, 0);
    uint64_t *taken = calloc((size_t)bench.options.count, sizeof *taken);
    long total = bench.options.warm_up + bench.options.count;
    if (!taken)
        exit(1);
    set_up(QUEUE);
    for (long i = 0; i < total; i++) {
        uint64_t pushed = monotonic_nanoseconds();
        push(i);
        if (!stamps_await(stamps, (uint32_t)i + 1)) {
            fprintf(stderr, "push %ld did not reach the sink within ten seconds\n", i);
            exit(1);
        }
        if (i >= bench.options.warm_up)
            taken[i - bench.options.warm_up] = stamps->nanoseconds[i] - pushed;
        api_flush(bench.engine);
    }
    print_latencies(taken, bench.options.count);
    free(taken);
}

int main(int count, char **arguments)
{
    bench.options = options_read(count, arguments);
    files_limit_raise();
    if (strcmp(bench.options.mode, "deliver") == 0) {
        measure_deliveries();
    } else if (strcmp(bench.options.mode, "push") == 0) {
        measure_pushes();
    } else if (strcmp(bench.options.mode, "latency") == 0) {
        measure_latencies();
    } else if (strcmp(bench.options.mode, "fairness") == 0) {
        measure_fairness(&bench.options);
    } else if (strcmp(bench.options.mode, "index") == 0) {
        measure_index(&bench.options);
    } else {
        fprintf(stderr, "--mode is deliver, push, latency, fairness or index\n");
        return 2;
    }
    fflush(stdout);
    if (bench.engine)
        api_end(bench.engine);
    free(bench.types);
    free(bench.type_sizes);
    free(bench.data);
    return 0;
}
