/* Ordinary use, as the header's first page describes it. */
#define _GNU_SOURCE
#include "host.h"

static receiver_t *receiver;

static void library(void) {
    CHECK(strcmp(martlet_version(), MARTLET_VERSION) == 0);
    CHECK(martlet_version_number() == MARTLET_VERSION_NUMBER);
    CHECK(MARTLET_VERSION_NUMBER ==
          (MARTLET_VERSION_MAJOR << 16 | MARTLET_VERSION_MINOR << 8 | MARTLET_VERSION_PATCH));
    size_t count = 0;
    int32_t status = 1;
    int32_t previous = 1;
    for (const char *name; (name = martlet_status_at(count, &status)) != NULL; count++) {
        CHECK(status < previous);
        CHECK(strcmp(name, martlet_status_name(status)) == 0);
        CHECK(martlet_status_text(status)[0] != 0);
        previous = status;
    }
    CHECK(count == 16);
    CHECK(strcmp(martlet_status_name(-1000), "UNKNOWN") == 0);
}

static char event_ids[101][MARTLET_ID_SIZE];
static int deliveries_seen[101];
static int events_seen[101];
static char a_delivery[40];

static void take_success(const martlet_outcome_t *outcome) {
    CHECK(outcome->tag >= 1 && outcome->tag <= 100);
    CHECK(outcome->state == MARTLET_STATE_SUCCEEDED && outcome->failure == MARTLET_FAILURE_NONE);
    CHECK(outcome->settled_at_ms > 1700000000000);
    CHECK(outcome->deliveries == 1 && outcome->succeeded == 1);
    CHECK(strcmp(outcome->event_id, event_ids[outcome->tag]) == 0);
    if (outcome->kind == MARTLET_OUTCOME_DELIVERY) {
        CHECK(outcome->http_status == 200 && outcome->attempts == 1);
        CHECK(strncmp(outcome->delivery_id, "dlv_", 4) == 0 && strncmp(outcome->webhook_id, "wh_", 3) == 0);
        strcpy(a_delivery, outcome->delivery_id);
        deliveries_seen[outcome->tag]++;
    } else {
        CHECK(outcome->kind == MARTLET_OUTCOME_EVENT);
        CHECK(outcome->http_status == 0 && outcome->attempts == 0);
        CHECK(outcome->delivery_id[0] == 0 && outcome->webhook_id[0] == 0);
        events_seen[outcome->tag]++;
    }
}

static void a_hundred_events(void) {
    char error[MARTLET_ERROR_SIZE];
    char *text = NULL;
    size_t length = 0;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\",\"outcomes\":\"all\"}");
    add_webhook(engine, receiver_port(receiver), "/ok", NULL, 0);
    for (uint64_t tag = 1; tag <= 100; tag++) {
        CHECK_OK(push_text(engine, "{\"callId\":\"call_1\",\"n\":[1,2,{}]}", tag, event_ids[tag], error));
        CHECK(strncmp(event_ids[tag], "evt_", 4) == 0 && strchr(event_ids[tag], '.') == NULL);
    }
    drain(engine, 200, take_success);
    for (int tag = 1; tag <= 100; tag++) CHECK(deliveries_seen[tag] == 1 && events_seen[tag] == 1);
    CHECK(receiver_count(receiver, PATH_OK) == 100);
    CHECK(receiver_faults(receiver) == 0);

    CHECK_OK(martlet_deliveries(engine, NULL, 0, &text, &length, error, sizeof error));
    CHECK(strlen(text) == length && count_of(text, "dlv_") > 0);
    martlet_free(text);
    CHECK_OK(martlet_delivery_get(engine, a_delivery, strlen(a_delivery), &text, &length, error, sizeof error));
    CHECK(strstr(text, a_delivery) != NULL && strstr(text, "200") != NULL);
    martlet_free(text);
    CHECK_STATUS(MARTLET_OK, martlet_engine_stats_json(engine, &text, &length));
    CHECK(text[0] == '{' && strlen(text) == length && strstr(text, "100") != NULL);
    martlet_free(text);
    CHECK_STATUS(MARTLET_OK, martlet_engine_metrics_text(engine, &text, NULL));
    CHECK(strstr(text, "# TYPE ") != NULL && text[strlen(text) - 1] == '\n');
    martlet_free(text);
    CHECK_STATUS(MARTLET_OK, martlet_engine_event_types_json(engine, &text, &length));
    CHECK(strstr(text, EVENT_TYPE) != NULL);
    martlet_free(text);

    CHECK_STATUS(MARTLET_OK, martlet_engine_flush(engine, 0));
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 10000));
    martlet_outcome_t outcome;
    length = 1;
    CHECK_STATUS(MARTLET_OK, martlet_outcomes_poll(engine, &outcome, sizeof outcome, 1, &length));
    CHECK(length == 0);
    martlet_engine_free(engine);
}

static martlet_outcome_t last_delivery;
static martlet_outcome_t last_event;

static void keep(const martlet_outcome_t *outcome) {
    if (outcome->kind == MARTLET_OUTCOME_DELIVERY) last_delivery = *outcome;
    if (outcome->kind == MARTLET_OUTCOME_EVENT) last_event = *outcome;
}

/* Pushes one event to one webhook and keeps its two outcomes. */
static void one_event(const char *configuration, int port, const char *path) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = open_engine(configuration);
    add_webhook(engine, port, path, NULL, 0);
    CHECK_OK(push_text(engine, "{}", 7, NULL, error));
    drain(engine, 2, keep);
    martlet_engine_free(engine);
}

static void a_retry_succeeds(void) {
    one_event("{\"environment\":\"development\",\"outcomes\":\"all\",\"retry\":{\"delaysSeconds\":[0]}}",
              receiver_port(receiver), "/flaky");
    CHECK(last_delivery.state == MARTLET_STATE_SUCCEEDED && last_delivery.attempts == 2);
    CHECK(last_event.state == MARTLET_STATE_SUCCEEDED && last_event.succeeded == 1);
}

static void a_failure_says_why(void) {
    const char *once = "{\"environment\":\"development\",\"outcomes\":\"all\",\"retry\":{\"delaysSeconds\":[]}}";
    one_event(once, receiver_port(receiver), "/down");
    CHECK(last_delivery.state == MARTLET_STATE_FAILED && last_delivery.attempts == 1);
    CHECK(last_delivery.http_status == 503 && last_delivery.failure == MARTLET_FAILURE_HTTP_STATUS);
    CHECK(last_event.state == MARTLET_STATE_FAILED && last_event.deliveries == 1 && last_event.succeeded == 0);
    receiver_t *gone = receiver_start();
    int port = receiver_port(gone);
    receiver_stop(gone);
    one_event(once, port, "/ok");
    CHECK(last_delivery.failure == MARTLET_FAILURE_CONNECT && last_delivery.http_status == 0);
}

static void webhooks_from_create_to_delete(void) {
    char error[MARTLET_ERROR_SIZE];
    char id[64];
    char *json = NULL;
    size_t length = 0;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\",\"outcomes\":\"events\"}");
    add_webhook(engine, receiver_port(receiver), "/ok", id, sizeof id);
    size_t id_length = strlen(id);
    CHECK_OK(martlet_webhook_get(engine, id, id_length, &json, &length, error, sizeof error));
    CHECK(strstr(json, id) != NULL && strstr(json, "whsec_") == NULL);
    martlet_free(json);
    CHECK_OK(martlet_webhook_list(engine, NULL, 0, &json, &length, error, sizeof error));
    CHECK(count_of(json, id) == 1);
    martlet_free(json);
    CHECK_OK(martlet_webhook_secrets(engine, id, id_length, &json, &length, error, sizeof error));
    CHECK(strstr(json, "whsec_") != NULL);
    martlet_free(json);
    const char *change = "{\"description\":\"changed here\"}";
    CHECK_OK(martlet_webhook_update(engine, id, id_length, change, strlen(change), &json, NULL, error, sizeof error));
    CHECK(strstr(json, "changed here") != NULL && strstr(json, "/ok") != NULL);
    martlet_free(json);

    size_t before = receiver_count(receiver, PATH_OK);
    CHECK_OK(martlet_webhook_set_enabled(engine, id, id_length, 0, error, sizeof error));
    CHECK_OK(push_text(engine, "{}", 1, NULL, error));
    drain(engine, 1, keep);
    CHECK(last_event.deliveries == 0 && receiver_count(receiver, PATH_OK) == before);
    CHECK_OK(martlet_webhook_set_enabled(engine, id, id_length, 1, error, sizeof error));
    CHECK_OK(push_text(engine, "{}", 2, NULL, error));
    drain(engine, 1, keep);
    CHECK(last_event.deliveries == 1 && receiver_count(receiver, PATH_OK) == before + 1);

    CHECK_OK(martlet_webhook_delete(engine, id, id_length, error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_NOT_FOUND,
                 martlet_webhook_get(engine, id, id_length, &json, &length, error, sizeof error));
    CHECK(json == NULL && length == 0 && error[0] != 0);
    martlet_engine_free(engine);
}

static void whole_events_as_lines(void) {
    char error[MARTLET_ERROR_SIZE];
    size_t accepted = 0;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\",\"outcomes\":\"events\"}");
    const char *good =
        "{\"eventType\":\"call.placed\",\"data\":1,\"id\":\"mine-1\",\"tag\":\"18446744073709551615\"}\n"
        "{\"eventType\":\"call.placed\",\"data\":{}}\n";
    CHECK_OK(martlet_push_json(engine, good, strlen(good), &accepted, error, sizeof error));
    CHECK(accepted == 2);
    const char *bad = "{\"eventType\":\"call.placed\",\"data\":1,\"id\":\"mine-2\",\"tag\":5}\n{\"eventTyp\":1}\n{}\n";
    CHECK_STATUS(MARTLET_ERROR_INVALID_DOCUMENT,
                 martlet_push_json(engine, bad, strlen(bad), &accepted, error, sizeof error));
    CHECK(accepted == 1 && strstr(error, "eventTyp") != NULL);
    drain(engine, 3, keep);
    CHECK(strcmp(last_event.event_id, "mine-2") == 0 && last_event.tag == 5);
    martlet_engine_free(engine);
}

static void a_full_queue_refuses(void) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine =
        open_engine("{\"environment\":\"development\",\"outcomes\":\"events\",\"queue\":{\"maxEvents\":3}}");
    add_webhook(engine, receiver_port(receiver), "/hang", NULL, 0);
    for (uint64_t tag = 1; tag <= 3; tag++) CHECK_OK(push_text(engine, "{}", tag, NULL, error));
    char event_id[MARTLET_ID_SIZE] = "untouched";
    CHECK_STATUS(MARTLET_ERROR_QUEUE_FULL, push_text(engine, "{}", 4, event_id, error));
    CHECK(event_id[0] == 0 && error[0] != 0);
    CHECK_STATUS(MARTLET_ERROR_TIMED_OUT, martlet_engine_flush(engine, 1));
    int32_t status = martlet_engine_close(engine, 0);
    CHECK(status == MARTLET_OK || status == MARTLET_ERROR_TIMED_OUT);
    drain(engine, 3, keep);
    CHECK(last_event.state == MARTLET_STATE_CANCELED);
    martlet_engine_free(engine);
}

struct newer_record {
    martlet_outcome_t known;
    char added[56];
};

static void a_newer_caller_polls(void) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = open_engine("{\"outcomes\":\"events\"}");
    for (uint64_t tag = 1; tag <= 2; tag++) CHECK_OK(push_text(engine, "null", tag, NULL, error));
    struct newer_record records[3];
    memset(records, 0x5A, sizeof records);
    size_t count = 0;
    CHECK_STATUS(MARTLET_OK, martlet_engine_flush(engine, 10000));
    CHECK_STATUS(MARTLET_OK, martlet_outcomes_poll(engine, &records[0].known, sizeof records[0], 2, &count));
    CHECK(count == 2 && records[0].known.tag + records[1].known.tag == 3);
    for (int i = 0; i < 2; i++) {
        CHECK(records[i].known.size == sizeof(martlet_outcome_t));
        for (size_t j = 0; j < sizeof records[i].added; j++) CHECK(records[i].added[j] == 0x5A);
    }
    CHECK(records[2].known.size == 0x5A5A5A5A);
    martlet_engine_free(engine);
}

static int log_lines;

static void count_line(void *context, int32_t level, const char *message, size_t length) {
    CHECK(context == &log_lines);
    CHECK(level >= MARTLET_LOG_ERROR && level <= MARTLET_LOG_DEBUG);
    CHECK(strlen(message) == length);
    __atomic_add_fetch(&log_lines, 1, __ATOMIC_RELAXED);
}

static void the_log_reaches_the_host(void) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = open_engine("{\"environment\":\"development\"}");
    CHECK_STATUS(MARTLET_OK, martlet_set_log(engine, MARTLET_LOG_DEBUG, count_line, &log_lines));
    add_webhook(engine, receiver_port(receiver), "/ok", NULL, 0);
    CHECK_OK(push_text(engine, "{}", 1, NULL, error));
    CHECK_STATUS(MARTLET_OK, martlet_engine_flush(engine, 30000));
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 30000));
    CHECK(__atomic_load_n(&log_lines, __ATOMIC_RELAXED) > 0);
    CHECK_STATUS(MARTLET_ERROR_CLOSED, push_text(engine, "{}", 1, NULL, NULL));
    martlet_engine_free(engine);
}

int main(void) {
    check_program = "ordinary";
    receiver = receiver_start();
    RUN(library);
    RUN(a_hundred_events);
    RUN(a_retry_succeeds);
    RUN(a_failure_says_why);
    RUN(webhooks_from_create_to_delete);
    RUN(whole_events_as_lines);
    RUN(a_full_queue_refuses);
    RUN(a_newer_caller_polls);
    RUN(the_log_reaches_the_host);
    receiver_stop(receiver);
    return 0;
}
