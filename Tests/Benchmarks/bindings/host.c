/// The C host of the benchmark: what the hosts in other languages are compared with. See hosts.py for what is measured.
#include "host.h"

#include <martlet.h>
#include <poll.h>

enum { OUTCOMES = 256 };

static martlet_engine_t engine;

static void check(int32_t code, const char *call, const char *error)
{
    if (code == MARTLET_OK)
        return;
    fprintf(stderr, "%s answered %d: %s\n", call, (int)code, error);
    exit(1);
}

static void push(const char *data, size_t size, long number)
{
    static const char type[] = "call.completed";
    char id[MARTLET_ID_SIZE], error[MARTLET_ERROR_SIZE];
    check(martlet_push(engine, type, sizeof type - 1, data, size, (uint64_t)number, id, error, sizeof error),
        "martlet_push", error);
}

static void push_lines(const char *lines, size_t size)
{
    size_t accepted, duplicates;
    char error[MARTLET_ERROR_SIZE];
    check(martlet_push_json(engine, lines, size, &accepted, &duplicates, error, sizeof error), "martlet_push_json",
        error);
}

static void push_all(const char *data, size_t size, const char *lines, size_t lines_size, long batch, long total)
{
    for (long done = 0; done < total; done += batch) {
        if (batch > 1)
            push_lines(lines, lines_size);
        else
            push(data, size, done);
    }
}

/// Waits for outcomes and takes those that are there; all must end as `state`, or as anything where that is 0.
static long take_outcomes(int32_t state)
{
    static martlet_outcome_t outcomes[OUTCOMES];
    for (;;) {
        size_t count = 0;
        check(martlet_outcomes_poll(engine, outcomes, sizeof *outcomes, OUTCOMES, &count), "martlet_outcomes_poll", "");
        for (size_t i = 0; i < count; i++) {
            if (state != 0 && outcomes[i].state != state)
                check(-1, "a delivery", "did not succeed");
        }
        if (count != 0)
            return (long)count;
        struct pollfd waiting = { .events = POLLIN };
        check(martlet_outcomes_fd(engine, &waiting.fd), "martlet_outcomes_fd", "");
        if (poll(&waiting, 1, 10000) == 0)
            check(-1, "martlet_outcomes_poll", "no outcome within ten seconds");
    }
}

static void send_all(const char *data, size_t size, long total)
{
    for (long pushed = 0; pushed < total;) {
        push(data, size, pushed++);
        if (pushed % WINDOW == 0 || pushed == total)
            check(martlet_engine_flush(engine, 60000), "martlet_engine_flush", "");
    }
}

static void deliver(const char *data, size_t size, long total)
{
    for (long pushed = 0, settled = 0; settled < total;) {
        while (pushed < total && pushed - settled < WINDOW)
            push(data, size, pushed++);
        while (pushed > settled && (pushed - settled > WINDOW / 2 || pushed == total))
            settled += take_outcomes(MARTLET_STATE_SUCCEEDED);
    }
}

static char *repeat(const char *data, long batch, size_t *size)
{
    static const char format[] = "{\"eventType\":\"call.completed\",\"data\":%s}\n";
    size_t room = (size_t)batch * (strlen(data) + sizeof format) + 1;
    char *lines = malloc(room);
    if (!lines)
        exit(1);
    *size = 0;
    for (long i = 0; i < batch; i++)
        *size += (size_t)snprintf(lines + *size, room - *size, format, data);
    return lines;
}

int main(int count, char **arguments)
{
    const char *mode = option(count, arguments, "--mode"), *configuration = option(count, arguments, "--configuration");
    const char *webhook = option(count, arguments, "--webhook"), *form = option(count, arguments, "--form");
    long total = option_number(count, arguments, "--count"), warm_up = option_number(count, arguments, "--warm-up");
    long batch = option_number(count, arguments, "--batch");
    char error[MARTLET_ERROR_SIZE] = "", *made = NULL;
    size_t data_size, lines_size;
    char *data = file_read(option(count, arguments, "--data"), &data_size), *lines = repeat(data, batch, &lines_size);
    if (strcmp(form, "ready") != 0) {
        fprintf(stderr, "C has no objects to push\n");
        return 2;
    }
    check(martlet_engine_open(configuration, strlen(configuration), &engine, error, sizeof error),
        "martlet_engine_open", error);
    check(martlet_webhook_create(engine, webhook, strlen(webhook), &made, NULL, error, sizeof error),
        "martlet_webhook_create", error);
    martlet_free(made);

    struct moment from;
    if (strcmp(mode, "push") == 0) {
        push_all(data, data_size, lines, lines_size, batch, warm_up);
        from = moment_now();
        push_all(data, data_size, lines, lines_size, batch, total);
        print_result("pushes", total, from, moment_now());
    } else if (strcmp(mode, "drain") == 0) {
        push_all(data, data_size, lines, lines_size, batch, total);
        check(martlet_deliveries_cancel(engine, NULL, 0, NULL, error, sizeof error), "martlet_deliveries_cancel",
            error);
        check(martlet_engine_flush(engine, 60000), "martlet_engine_flush", "");
        from = moment_now();
        for (long taken = 0; taken < total;)
            taken += take_outcomes(0);
        print_result("outcomes", total, from, moment_now());
    } else if (strcmp(mode, "send") == 0) {
        send_all(data, data_size, warm_up);
        from = moment_now();
        send_all(data, data_size, total);
        print_result("deliveries", total, from, moment_now());
    } else {
        deliver(data, data_size, warm_up);
        from = moment_now();
        deliver(data, data_size, total);
        print_result("deliveries", total, from, moment_now());
    }
    martlet_engine_close(engine, 0); // a code that says what was given up is no fault here
    martlet_engine_free(engine);
    free(lines);
    free(data);
    return 0;
}
