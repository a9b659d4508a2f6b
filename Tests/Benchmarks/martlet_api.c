#include "martlet_api.h"

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

martlet_engine_t api_open(struct api_limits limits)
{
    // The types that martlet_bench.c pushes are the host's own.
    static char configuration[8192];
    char error[256] = "";
    int size = snprintf(configuration, sizeof configuration,
        "{\"environment\":\"development\",\"lanes\":%d,\"maxInFlight\":%d,\"maxInFlightPerWebhook\":%d,"
        "\"maxPendingPerWebhook\":%ld,\"queue\":{\"maxEvents\":%ld,\"maxBytes\":%zu},\"outcomes\":\"%s\","
        "\"eventTypes\":[\"bench.other\"",
        limits.lanes, limits.in_flight, limits.in_flight_per_webhook ? limits.in_flight_per_webhook : limits.in_flight,
        limits.queued_events, limits.queued_events, limits.queued_bytes, limits.outcomes ? "deliveries" : "off");
    for (int i = 0; i < limits.types; i++)
        size += snprintf(configuration + size, sizeof configuration - (size_t)size, ",\"bench.type%03d\"", i);
    size += snprintf(configuration + size, sizeof configuration - (size_t)size, "]}");
    martlet_engine_t engine = NULL;
    check(martlet_engine_open(configuration, (size_t)size, &engine, error, sizeof error), "martlet_engine_open", error);
    return engine;
}

void api_add_webhook(martlet_engine_t engine, const char *url, const char *type, const char *agent)
{
    char webhook[256], error[256] = "";
    char *registered = NULL;
    int size = snprintf(webhook, sizeof webhook, "{\"url\":\"%s\",\"events\":[\"%s\"]", url, type);
    if (agent)
        size += snprintf(webhook + size, sizeof webhook - (size_t)size, ",\"agents\":[\"%s\"]", agent);
    size += snprintf(webhook + size, sizeof webhook - (size_t)size, "}");
    check(martlet_webhook_create(engine, webhook, (size_t)size, &registered, NULL, error, sizeof error),
        "martlet_webhook_create", error);
    martlet_free(registered);
}

void api_push(
    martlet_engine_t engine, const char *type, size_t type_size, const char *data, size_t data_size, uint64_t tag)
{
    char error[256] = "";
    int32_t code = martlet_push(engine, type, type_size, data, data_size, tag, NULL, error, sizeof error);
    check(code, "martlet_push", error);
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

void api_flush(martlet_engine_t engine)
{
    check(martlet_engine_flush(engine, 60000), "martlet_engine_flush", "not everything was settled in a minute");
}

void api_end(martlet_engine_t engine)
{
    martlet_engine_close(engine, 0); // a code that says what was given up is no fault here
    martlet_engine_free(engine);
}
