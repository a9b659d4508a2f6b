/// Martlet through its C ABI, as a host program uses it.
///
/// - `deliver`: CPU and time for each delivery, everything included: push, JSON check, matching, queue, signing,
///   transport, verdict and log, and with `--directory` the journal. The host pushes a window of events and waits with
///   flush until they are settled, so the queue is short and the memory is the engine's, not the backlog's.
/// - `latency`: from just before push to the sink's first byte, with nothing else in the engine. The next push is made
///   when the delivery before it is settled.
/// - The others have a file of their own, martlet_push.c and so on, that says what they do.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"
#include "options.h"
#include "stamps.h"

#include <string.h>

enum { LATENCY_QUEUE = 64 };

/// Delivers `deliveries`, a window (`--window`) at a time.
static void deliver(const struct host *host, long deliveries)
{
    long each = host->options->fan_out ? host->options->webhooks : 1;
    long events = deliveries / each, window = host->options->window / each;
    if (window < 1)
        window = 1;
    for (long event = 0; event < events; event++) {
        host_push(host, event);
        if ((event + 1) % window == 0)
            api_flush(host->engine);
    }
    api_flush(host->engine);
}

static void measure_deliveries(const struct options *options)
{
    struct host host = host_open(options, 2 * options->window);
    host_add_webhooks(&host);
    deliver(&host, options->warm_up);
    struct moment from = moment_now();
    deliver(&host, options->count);
    struct moment to = moment_now();
    print_deliveries(options->count, from, to);
    host_end(&host);
}

static void measure_latencies(const struct options *options)
{
    struct stamps *stamps = stamps_map(options->stamps, 0);
    uint64_t *taken = calloc((size_t)options->count, sizeof *taken);
    long total = options->warm_up + options->count;
    if (!taken)
        exit(1);
    struct host host = host_open(options, LATENCY_QUEUE);
    host_add_webhooks(&host);
    for (long i = 0; i < total; i++) {
        uint64_t pushed = monotonic_nanoseconds();
        host_push(&host, i);
        if (!stamps_await(stamps, (uint32_t)i + 1)) {
            fprintf(stderr, "push %ld did not reach the sink within ten seconds\n", i);
            exit(1);
        }
        if (i >= options->warm_up)
            taken[i - options->warm_up] = stamps->nanoseconds[i] - pushed;
        api_flush(host.engine);
    }
    print_latencies(taken, options->count);
    host_end(&host);
    free(taken);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*measure)(const struct options *options);
    } modes[] = {
        { "deliver", measure_deliveries }, { "push", measure_pushes },     { "latency", measure_latencies },
        { "fairness", measure_fairness },  { "index", measure_index },     { "recovery", measure_recovery },
        { "memory", measure_memory },      { "compaction", measure_compaction }, { "copy", measure_copies },
    };
    struct options options = options_read(count, arguments);
    files_limit_raise();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(options.mode, modes[i].name) == 0) {
            modes[i].measure(&options);
            return 0;
        }
    }
    fprintf(stderr, "--mode is one of");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        fprintf(stderr, " %s", modes[i].name);
    fprintf(stderr, "\n");
    return 2;
}
