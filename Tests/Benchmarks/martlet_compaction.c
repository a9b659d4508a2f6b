/// `compaction`: how long single pushes take while the journal moves what is still needed out of old files.
///
/// Pushes come at a steady pace, a burst each millisecond, so that the thread is hardly ever taken off its processor
/// within one, and each is timed. In the first part every event is delivered at once and whole files die by themselves.
/// In the second part the last of the webhooks gets events too, and a rate limit keeps them all pending: each file then
/// holds stragglers, which have to be written anew before it can go (take small files: `--segment-bytes`). It lasts
/// until `--count` pushes are made and files with stragglers are gone; if none go, that is an error.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"
#include "stamps.h"

enum { BURST = 10, BURST_NANOSECONDS = 1000000, SLOW_NANOSECONDS = 5000000 };
enum { PATIENCE_SECONDS = 30, LOOK_EVERY = 100 };

static struct {
    struct host host;
    uint64_t *taken; // nanoseconds of each push of this part
    long count, room;
    long number; // of the next event
} run;

static void keep(uint64_t nanoseconds)
{
    if (run.count == run.room) {
        run.room = run.room ? 2 * run.room : 1 << 16;
        run.taken = realloc(run.taken, (size_t)run.room * sizeof *run.taken);
        if (!run.taken)
            exit(1);
    }
    run.taken[run.count++] = nanoseconds;
}

/// Pushes a burst of events for the first `webhooks` webhooks, and sleeps until the next is due.
static void burst(int webhooks, uint64_t *due)
{
    for (int i = 0; i < BURST; i++) {
        long type = run.number++ % webhooks;
        uint64_t from = monotonic_nanoseconds();
        host_push(&run.host, type);
        keep(monotonic_nanoseconds() - from);
    }
    *due += BURST_NANOSECONDS;
    struct timespec time = { .tv_sec = (time_t)(*due / 1000000000u), .tv_nsec = (long)(*due % 1000000000u) };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static long long deleted(void)
{
    return api_statistic(run.host.engine, "journal", "segmentsDeleted");
}

static void print(const char *name)
{
    nanoseconds_sort(run.taken, run.count);
    long slow = 0;
    while (slow < run.count && run.taken[run.count - 1 - slow] > SLOW_NANOSECONDS)
        slow += 1;
    printf("\"%s\":{\"pushes\":%ld,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f,\"slow\":%ld},", name,
        run.count, percentile(run.taken, run.count, 50), percentile(run.taken, run.count, 99),
        percentile(run.taken, run.count, 99.9), percentile(run.taken, run.count, 100), slow);
}

/// Pushes until `count` pushes are made and, with `stragglers`, files that held some are gone; returns how many went.
static long long push_part(const char *name, long count, bool stragglers)
{
    int webhooks = run.host.options->webhooks - (stragglers ? 0 : 1);
    // Those that are there now hold nothing of this part, the newest one aside.
    long long others = api_statistic(run.host.engine, "journal", "segments") + 1, before = deleted(), moved = 0;
    uint64_t due = monotonic_nanoseconds(), end = due + (uint64_t)PATIENCE_SECONDS * 1000000000u;
    run.count = 0;
    for (long bursts = 1; run.count < count || (stragglers && moved <= 0); bursts++) {
        burst(webhooks, &due);
        if (bursts % LOOK_EVERY == 0 || run.count >= count)
            moved = deleted() - before - others;
        if (monotonic_nanoseconds() > end) {
            fprintf(stderr, "the journal moved nothing within %d seconds\n", PATIENCE_SECONDS);
            exit(1);
        }
    }
    print(name);
    return moved;
}

void measure_compaction(const struct options *options)
{
    if (!options->directory || options->webhooks < 2) {
        fprintf(stderr, "--mode compaction needs --directory and two webhooks\n");
        exit(2);
    }
    long most = (long)PATIENCE_SECONDS * BURST * (1000000000 / BURST_NANOSECONDS);
    run.host = host_open(options, 2 * most);
    host_add_webhooks(&run.host);
    api_limit_rate(run.host.engine, run.host.webhooks[options->webhooks - 1], 0.001);
    printf("{");
    push_part("undisturbed", options->count, false);
    long long moved = push_part("compacting", options->count, true);
    printf("\"segmentsMoved\":%lld,\"bytesOnDisk\":%lld,\"liveBytes\":%lld,\"peakKiB\":%ld}\n", moved,
        api_statistic(run.host.engine, "journal", "bytesOnDisk"),
        api_statistic(run.host.engine, "journal", "liveBytes"), peak_kib());
    host_end(&run.host);
    free(run.taken);
}
