/// `memory`: what `--count` queued events take of the memory, and how much comes back when they have been delivered.
///
/// Rate limits keep the deliveries waiting while the events are pushed. Then the limits go, everything is delivered
/// (start the sink without `--delay-ms`), and the memory is looked at again at once, and once more a moment later.
///
/// Resident memory is told in two parts: anonymous pages (RssAnon of /proc/self/status), which only this process can
/// hold, and pages of files (RssFile), which with a journal are the page cache seen through its mapping.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"

#include <stdio.h>
#include <unistd.h>

enum { PAUSE_MICROSECONDS = 20000, LATER_SECONDS = 1 };

static void print_resident(const char *name)
{
    struct resident resident = resident_now();
    printf("\"%s\":{\"anonymousKiB\":%ld,\"fileKiB\":%ld},", name, resident.anonymous, resident.file);
}

static void limit_rates(const struct host *host, double per_second)
{
    for (int i = 0; i < host->options->webhooks; i++)
        api_limit_rate(host->engine, host->webhooks[i], per_second);
}

/// Waits until the lanes have taken everything out of their inboxes. Each webhook's limit lets one attempt through.
static void await_pending(const struct host *host)
{
    while (api_statistic(host->engine, NULL, "pending") < host->options->count - host->options->webhooks)
        usleep(PAUSE_MICROSECONDS);
}

void measure_memory(const struct options *options)
{
    struct host host = host_open(options, options->count);
    host_add_webhooks(&host);
    limit_rates(&host, 0.001);
    printf("{");
    print_resident("empty");
    for (long i = 0; i < options->count; i++)
        host_push(&host, i);
    await_pending(&host);
    print_resident("queued");

    struct moment from = moment_now();
    limit_rates(&host, 0);
    api_flush(host.engine);
    struct moment to = moment_now();
    print_resident("drained");
    sleep(LATER_SECONDS);
    print_resident("later");
    double seconds = to.clock - from.clock;
    printf("\"events\":%ld,\"drainSeconds\":%.6f,\"peakKiB\":%ld}\n", options->count, seconds, peak_kib());
    host_end(&host);
}
