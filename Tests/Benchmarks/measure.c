#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

struct moment moment_now(void)
{
    struct timespec clock;
    struct rusage process, thread;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    getrusage(RUSAGE_SELF, &process);
    getrusage(RUSAGE_THREAD, &thread);
    return (struct moment) {
        .clock = (double)clock.tv_sec + (double)clock.tv_nsec / 1e9,
        .user = seconds(process.ru_utime),
        .system = seconds(process.ru_stime),
        .thread = seconds(thread.ru_utime) + seconds(thread.ru_stime),
    };
}

/// The value of one line of /proc/self/status, such as "VmHWM:"; 0 when there is none.
static long status_kib(const char *name)
{
    char line[256];
    long kib = 0;
    size_t length = strlen(name);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, name, length) == 0) {
            kib = strtol(line + length, NULL, 10);
            break;
        }
    }
    if (status)
        fclose(status);
    return kib;
}

long peak_kib(void)
{
    return status_kib("VmHWM:");
}

long resident_kib(void)
{
    return status_kib("VmRSS:");
}

struct resident resident_now(void)
{
    return (struct resident) {
        .anonymous = status_kib("RssAnon:"),
        .file = status_kib("RssFile:") + status_kib("RssShmem:"),
    };
}

void print_deliveries(long deliveries, struct moment from, struct moment to)
{
    printf("{\"deliveries\":%ld,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%ld}\n", deliveries,
        to.clock - from.clock, to.user - from.user, to.system - from.system, peak_kib());
}

void print_pushes(long pushes, struct moment from, struct moment to)
{
    printf("{\"pushes\":%ld,\"seconds\":%.6f,\"threadSeconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%ld}\n",
        pushes, to.clock - from.clock, to.thread - from.thread, to.user - from.user, to.system - from.system,
        peak_kib());
}

static int ascending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void nanoseconds_sort(uint64_t *nanoseconds, long count)
{
    qsort(nanoseconds, (size_t)count, sizeof *nanoseconds, ascending);
}

double percentile(const uint64_t *sorted, long count, double percent)
{
    if (count == 0)
        return 0;
    // Thousandths of a percent: 99.9 has no exact value in binary, and must not be rounded up to the next rank.
    long rank = (count * (long)(percent * 1e3 + 0.5) + 99999) / 100000;
    return (double)sorted[rank > 0 ? rank - 1 : 0] / 1e3;
}

void print_latencies(uint64_t *nanoseconds, long count)
{
    nanoseconds_sort(nanoseconds, count);
    printf("{\"pushes\":%ld,\"p50\":%.1f,\"p99\":%.1f,\"peakKiB\":%ld}\n", count, percentile(nanoseconds, count, 50),
        percentile(nanoseconds, count, 99), peak_kib());
}
