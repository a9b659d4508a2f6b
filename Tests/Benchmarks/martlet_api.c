#include "martlet_api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int32_t code, const char *call, const char *error)
{
    if (code == 0)
        return;
    fprintf(stderr, "%s answered %d: %s\n", call, (int)code, error);
    exit(1);
}

/// A text that grows.
struct text {
    char *bytes;
    size_t used, room;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *text, const char *format, ...)
{
    for (;;) {
        va_list values;
        va_start(values, format);
        size_t left = text->room - text->used;
        int size = vsnprintf(text->bytes ? text->bytes + text->used : NULL, left, format, values);
        va_end(values);
        if (size >= 0 && (size_t)size < left) {
            text->used += (size_t)size;
            return;
        }
        text->room = 2 * text->room + 4096;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes)
            exit(1);
    }
}

/// The keys that only an engine with a journal gets.
static void add_journal(struct text *configuration, const struct api_limits *limits)
{
    static const size_t default_bytes = (size_t)4 << 30;
    text_add(configuration, "\"dataDirectory\":\"%s\",\"sync\":\"%s\",\"journal\":{\"maxBytes\":%zu", limits->directory,
        limits->sync, limits->journal_bytes > default_bytes ? limits->journal_bytes : default_bytes);
    if (limits->segment_bytes)
        text_add(configuration, ",\"segmentBytes\":%zu", limits->segment_bytes);
    text_add(configuration, "},");
}

martlet_engine_t api_open(struct api_limits limits)
{
    struct text configuration = { 0 };
    text_add(&configuration, "{");
    if (limits.directory)
        add_journal(&configuration, &limits);
    if (limits.authority)
        text_add(&configuration, "\"caFile\":\"%s\",", limits.authority);
    if (limits.event_bytes)
        text_add(&configuration, "\"maxEventBytes\":%zu,", limits.event_bytes);
    text_add(&configuration,
        "\"environment\":\"development\",\"lanes\":%d,\"maxInFlight\":%d,\"maxInFlightPerWebhook\":%d,"
        "\"maxPendingPerWebhook\":%ld,\"queue\":{\"maxEvents\":%ld,\"maxBytes\":%zu},\"outcomes\":\"%s\","
        "\"eventTypes\":[",
        limits.lanes, limits.in_flight, limits.in_flight_per_webhook ? limits.in_flight_per_webhook : limits.in_flight,
        limits.queued_events, limits.queued_events, limits.queued_bytes, limits.outcomes ? "deliveries" : "off");
    // The types that the benchmark pushes are the host's own.
    for (int i = 0; i < limits.types; i++)
        text_add(&configuration, "\"bench.type%03d\"%s", i, i + 1 < limits.types ? "," : "");
    text_add(&configuration, "]}");
    char error[256] = "";
    martlet_engine_t engine = NULL;
    check(martlet_engine_open(configuration.bytes, configuration.used, &engine, error, sizeof error),
        "martlet_engine_open", error);
    free(configuration.bytes);
    return engine;
}

void api_add_webhook(
    martlet_engine_t engine, const char *url, const char *type, const char *agent, char id[API_ID_SIZE])
{
    static const char key[] = "\"id\":\"wh_";
    char webhook[256], error[256] = "";
    char *registered = NULL;
    int size = snprintf(webhook, sizeof webhook, "{\"url\":\"%s\",\"events\":[\"%s\"]", url, type);
    if (agent)
        size += snprintf(webhook + size, sizeof webhook - (size_t)size, ",\"agents\":[\"%s\"]", agent);
    size += snprintf(webhook + size, sizeof webhook - (size_t)size, "}");
    check(martlet_webhook_create(engine, webhook, (size_t)size, &registered, NULL, error, sizeof error),
        "martlet_webhook_create", error);
    if (id) {
        const char *found = strstr(registered, key);
        const char *text = found ? found + strlen("\"id\":\"") : "";
        snprintf(id, API_ID_SIZE, "%.*s", (int)strcspn(text, "\""), text);
    }
    martlet_free(registered);
}

void api_limit_rate(martlet_engine_t engine, const char *id, double per_second)
{
    char change[96], error[256] = "";
    int size = snprintf(change, sizeof change, "{\"rateLimit\":{\"perSecond\":%g,\"burst\":1}}", per_second);
    check(martlet_webhook_update(engine, id, strlen(id), change, (size_t)size, NULL, NULL, error, sizeof error),
        "martlet_webhook_update", error);
}

void api_push(
    martlet_engine_t engine, const char *type, size_t type_size, const char *data, size_t data_size, uint64_t tag)
{
    char error[256] = "";
    int32_t code = martlet_push(engine, type, type_size, data, data_size, tag, NULL, error, sizeof error);
    check(code, "martlet_push", error);
}

void api_push_lines(martlet_engine_t engine, const char *lines, size_t size, long count)
{
    char error[256] = "";
    size_t accepted = 0;
    check(martlet_push_json(engine, lines, size, &accepted, NULL, error, sizeof error), "martlet_push_json", error);
    if (accepted != (size_t)count)
        check(-1, "martlet_push_json", "not all lines were accepted");
}

int api_outcomes_fd(martlet_engine_t engine)
{
    int32_t fd = -1;
    check(martlet_outcomes_fd(engine, &fd), "martlet_outcomes_fd", "no outcomes");
    return fd;
}

size_t api_poll(martlet_engine_t engine, martlet_outcome_t *outcomes, size_t capacity)
{
    size_t count = 0;
    check(martlet_outcomes_poll(engine, outcomes, sizeof *outcomes, capacity, &count), "martlet_outcomes_poll", "");
    return count;
}

long long api_statistic(martlet_engine_t engine, const char *part, const char *key)
{
    char *json = NULL, quoted[64];
    check(martlet_engine_stats_json(engine, &json, NULL), "martlet_engine_stats_json", "");
    const char *found = json;
    if (part) {
        snprintf(quoted, sizeof quoted, "\"%s\":", part);
        found = strstr(found, quoted);
    }
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    found = found ? strstr(found, quoted) : NULL;
    if (!found)
        check(-1, "martlet_engine_stats_json", key);
    long long value = strtoll(found + strlen(quoted), NULL, 10);
    martlet_free(json);
    return value;
}

void api_flush(martlet_engine_t engine)
{
    check(martlet_engine_flush(engine, 240000), "martlet_engine_flush", "not everything was settled in four minutes");
}

void api_end(martlet_engine_t engine)
{
    martlet_engine_close(engine, 0); // a code that says what was given up is no fault here
    martlet_engine_free(engine);
}
