/// `fairness`: what receivers that do not answer cost the webhooks beside them.
///
/// One engine, `--webhooks` webhooks, each with an event type of its own. The last `--hanging` of them point at a
/// receiver that answers nothing before the deadline. The others are healthy: a closed loop keeps OUTSTANDING events of
/// each under way and pushes the next when the outcome of one is polled. For `--count` milliseconds only the healthy
/// ones get events; then, for twice as long, the hanging ones are supplied too: each always has BACKLOG times as many
/// events as it may have requests (`--per-webhook`), so it hangs on all of them and has more to send at every deadline.
/// In both parts the healthy deliveries are counted, and the time of each from before its push to its polled outcome;
/// what is still under way at the end of a part adds its age, so that a stall that outlasts the part is seen.
#include "martlet_bench.h"

#include "martlet_api.h"
#include "measure.h"
#include "stamps.h"

#include <poll.h>

enum { OUTSTANDING = 2, BACKLOG = 4, POLLED = 256, MOST_WEBHOOKS = 256, TYPE_SIZE = 32 };

static struct {
    const struct options *options;
    martlet_engine_t engine;
    int outcomes;
    char *data;
    size_t data_size;
    uint64_t started;
    uint64_t *taken; // nanoseconds from push to outcome of the healthy deliveries of this part
    long count, room;
    uint64_t under_way[MOST_WEBHOOKS][OUTSTANDING]; // when the healthy webhooks' events were pushed; 0 is a free place
} fairness;

static bool is_healthy(unsigned webhook)
{
    return webhook < (unsigned)(fairness.options->webhooks - fairness.options->hanging);
}

/// Replaces `old` by `new` among the times of what is under way for this webhook.
static void under_way_replace(unsigned webhook, uint64_t old, uint64_t new)
{
    for (int i = 0; i < OUTSTANDING; i++) {
        if (fairness.under_way[webhook][i] == old) {
            fairness.under_way[webhook][i] = new;
            return;
        }
    }
}

static void push(unsigned webhook)
{
    char type[TYPE_SIZE];
    int size = snprintf(type, sizeof type, "bench.type%03u", webhook);
    // The time from the start leaves the low byte to the webhook's number for years.
    uint64_t now = monotonic_nanoseconds() - fairness.started;
    if (is_healthy(webhook))
        under_way_replace(webhook, 0, now);
    api_push(
        fairness.engine, type, (size_t)size, fairness.data, fairness.data_size, now * MOST_WEBHOOKS + webhook);
}

static void keep(uint64_t nanoseconds)
{
    if (fairness.count == fairness.room) {
        fairness.room = fairness.room ? 2 * fairness.room : 1 << 16;
        fairness.taken = realloc(fairness.taken, (size_t)fairness.room * sizeof *fairness.taken);
        if (!fairness.taken)
            exit(1);
    }
    fairness.taken[fairness.count++] = nanoseconds;
}

static void settled(const martlet_outcome_t *outcome, uint64_t now)
{
    unsigned webhook = (unsigned)(outcome->tag % MOST_WEBHOOKS);
    if (outcome->kind != MARTLET_OUTCOME_DELIVERY)
        return;
    if (is_healthy(webhook)) {
        if (outcome->state != MARTLET_STATE_SUCCEEDED) {
            fprintf(stderr, "a healthy delivery ended in state %d, failure %d\n", outcome->state, outcome->failure);
            exit(1);
        }
        uint64_t pushed = outcome->tag / MOST_WEBHOOKS;
        under_way_replace(webhook, pushed, 0);
        keep(now - fairness.started - pushed);
    }
    push(webhook);
}

/// Keeps the loop going for so long; fairness.taken has the healthy deliveries of that time.
static void run(long milliseconds)
{
    uint64_t now = monotonic_nanoseconds(), until = now + (uint64_t)milliseconds * 1000000u;
    fairness.count = 0;
    while (now < until) {
        struct pollfd wait = { .fd = fairness.outcomes, .events = POLLIN };
        poll(&wait, 1, (int)((until - now) / 1000000u) + 1);
        martlet_outcome_t outcomes[POLLED];
        size_t count;
        do {
            count = api_poll(fairness.engine, outcomes, POLLED);
            now = monotonic_nanoseconds();
            for (size_t i = 0; i < count; i++)
                settled(&outcomes[i], now);
        } while (count == POLLED && now < until);
    }
}

/// Runs one part and prints it under `name`.
static void measure(const char *name, long milliseconds)
{
    struct moment from = moment_now();
    run(milliseconds);
    struct moment to = moment_now();
    long deliveries = fairness.count;
    if (deliveries == 0) {
        fprintf(stderr, "no healthy delivery was settled in the %s part\n", name);
        exit(1);
    }
    uint64_t now = monotonic_nanoseconds() - fairness.started;
    for (unsigned webhook = 0; is_healthy(webhook); webhook++) {
        for (int i = 0; i < OUTSTANDING; i++)
            keep(now - fairness.under_way[webhook][i]);
    }
    nanoseconds_sort(fairness.taken, fairness.count);
    printf("\"%s\":{\"deliveries\":%ld,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,"
           "\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},",
        name, deliveries, to.clock - from.clock, to.user - from.user, to.system - from.system,
        percentile(fairness.taken, fairness.count, 50), percentile(fairness.taken, fairness.count, 99),
        percentile(fairness.taken, fairness.count, 100));
}

static void supply(int first, int end, int events)
{
    for (int each = 0; each < events; each++) {
        for (int i = first; i < end; i++)
            push((unsigned)i);
    }
}

static void set_up(const struct options *options)
{
    int healthy = options->webhooks - options->hanging;
    if (options->webhooks > MOST_WEBHOOKS || healthy < 1 || (options->hanging && !options->hanging_port)) {
        fprintf(stderr, "fairness takes up to %d webhooks, not all hanging, and --hanging-port\n", MOST_WEBHOOKS);
        exit(2);
    }
    fairness.options = options;
    fairness.data = file_read(options->data, &fairness.data_size);
    fairness.started = monotonic_nanoseconds();
    fairness.engine = api_open((struct api_limits) {
        .lanes = options->lanes,
        .in_flight = options->in_flight,
        .in_flight_per_webhook = options->per_webhook,
        .types = options->webhooks,
        .outcomes = true,
        .queued_events = 100000,
        .queued_bytes = (size_t)256 << 20,
    });
    fairness.outcomes = api_outcomes_fd(fairness.engine);
    for (int i = 0; i < options->webhooks; i++) {
        char url[64], type[TYPE_SIZE];
        url_write(url, sizeof url, i % options->hosts, i < healthy ? options->port : options->hanging_port);
        snprintf(type, sizeof type, "bench.type%03d", i);
        api_add_webhook(fairness.engine, url, type, NULL, NULL);
    }
}

void measure_fairness(const struct options *options)
{
    set_up(options);
    int healthy = options->webhooks - options->hanging;
    supply(0, healthy, OUTSTANDING);
    run(options->warm_up);
    printf("{");
    measure("undisturbed", options->count);
    supply(healthy, options->webhooks, BACKLOG * options->per_webhook);
    measure("disturbed", 2 * options->count);
    printf("\"peakKiB\":%ld}\n", peak_kib());
    api_end(fairness.engine);
    free(fairness.data);
    free(fairness.taken);
}
