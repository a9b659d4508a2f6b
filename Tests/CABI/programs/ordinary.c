/* Ordinary use, as the header's first page describes it. */
#define _GNU_SOURCE
#include "host.h"

#include <poll.h>

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
    CHECK(count == 19);
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
    size_t duplicates = 9;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\",\"outcomes\":\"events\"}");
    const char *good =
        "{\"eventType\":\"call.placed\",\"data\":1,\"id\":\"mine-1\",\"tag\":\"18446744073709551615\"}\n"
        "{\"eventType\":\"call.placed\",\"data\":{}}\n";
    const char *own = "{\"eventType\":\"call.placed\",\"id\":\"single-1\",\"tag\":5,\"data\":{}}";
    const char *given = "{\"eventType\":\"call.placed\",\"data\":{}}";
    char single[MARTLET_ID_SIZE];
    int32_t duplicate = 9;
    CHECK_OK(martlet_push_event(engine, own, strlen(own), single, &duplicate, error, sizeof error));
    CHECK(strcmp(single, "single-1") == 0 && duplicate == 0);
    CHECK_OK(martlet_push_event(engine, own, strlen(own), single, &duplicate, error, sizeof error));
    CHECK(strcmp(single, "single-1") == 0 && duplicate == 1);
    CHECK_OK(martlet_push_event(engine, given, strlen(given), single, NULL, error, sizeof error));
    CHECK(strncmp(single, "evt_", 4) == 0);
    CHECK_OK(martlet_push_json(engine, good, strlen(good), &accepted, &duplicates, error, sizeof error));
    CHECK(accepted == 2 && duplicates == 0);
    const char *bad = "{\"eventType\":\"call.placed\",\"data\":1,\"id\":\"mine-2\",\"tag\":5}\n{\"eventTyp\":1}\n{}\n";
    CHECK_STATUS(MARTLET_ERROR_INVALID_DOCUMENT,
                 martlet_push_json(engine, bad, strlen(bad), &accepted, &duplicates, error, sizeof error));
    CHECK(accepted == 1 && duplicates == 0 && strstr(error, "eventTyp") != NULL);
    drain(engine, 5, keep);
    CHECK_OK(martlet_push_json(engine, good, strlen(good), &accepted, &duplicates, error, sizeof error));
    CHECK(accepted == 1 && duplicates == 1);
    drain(engine, 1, NULL);
    CHECK_OK(martlet_push_json(engine, bad, strcspn(bad, "\n"), &accepted, &duplicates, error, sizeof error));
    CHECK(accepted == 0 && duplicates == 1);
    CHECK(strcmp(last_event.event_id, "mine-2") == 0 && last_event.tag == 5);
    martlet_engine_free(engine);
}

static void a_type_is_added_while_it_runs(void) {
    char error[MARTLET_ERROR_SIZE];
    char *text = NULL;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\",\"outcomes\":\"all\"}");
    add_webhook(engine, receiver_port(receiver), "/ok", NULL, 0);
    const char *type = "order.shipped";
    CHECK_STATUS(MARTLET_ERROR_UNKNOWN_EVENT_TYPE,
                 martlet_push(engine, type, strlen(type), "1", 1, 1, NULL, error, sizeof error));
    const char *document = "{\"name\":\"order.shipped\",\"sample\":{\"order\":1}}";
    CHECK_OK(martlet_event_type_add(engine, document, strlen(document), error, sizeof error));
    CHECK_OK(martlet_push(engine, type, strlen(type), "1", 1, 1, NULL, error, sizeof error));
    drain(engine, 2, keep);
    CHECK(last_delivery.state == MARTLET_STATE_SUCCEEDED);
    CHECK_STATUS(MARTLET_OK, martlet_engine_event_types_json(engine, &text, NULL));
    CHECK(strstr(text, "order.shipped") != NULL);
    martlet_free(text);
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

static void an_older_caller_polls(void) {
    char error[MARTLET_ERROR_SIZE];
    char records[2][200];
    size_t count = 0;
    uint32_t size = 0;
    martlet_engine_t engine = open_engine("{\"outcomes\":\"events\"}");
    for (uint64_t tag = 1; tag <= 2; tag++) CHECK_OK(push_text(engine, "null", tag, NULL, error));
    CHECK_STATUS(MARTLET_OK, martlet_outcomes_poll(engine, (martlet_outcome_t *)(void *)records, 200, 2, &count));
    CHECK(count == 2);
    memcpy(&size, records[1], sizeof size);
    CHECK(size == 200);
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

/* The log for hosts that no foreign thread may call. */
static void the_log_is_polled(void) {
    char *json = NULL;
    size_t length = 0;
    int32_t fd = -1, same = -1;
    martlet_engine_t engine = open_engine("{\"environment\":\"development\"}");
    CHECK_STATUS(MARTLET_OK, martlet_log_fd(engine, MARTLET_LOG_INFO, &fd));
    struct pollfd watched = {fd, POLLIN, 0};
    CHECK(fd >= 0 && poll(&watched, 1, 0) == 0);
    CHECK_STATUS(MARTLET_OK, martlet_log_poll(engine, &json, &length));
    CHECK(strcmp(json, "{\"messages\":[],\"dropped\":0,\"ended\":false}") == 0 && strlen(json) == length);
    martlet_free(json);

    add_webhook(engine, receiver_port(receiver), "/ok", NULL, 0);
    CHECK(poll(&watched, 1, 0) == 1);
    CHECK_STATUS(MARTLET_OK, martlet_log_poll(engine, &json, NULL));
    CHECK(strstr(json, "{\"level\":\"info\",\"time\":\"20") != NULL && strstr(json, "is registered") != NULL);
    martlet_free(json);
    CHECK(poll(&watched, 1, 0) == 0);

    /* Another level, and the callback beside it. */
    log_lines = 0;
    CHECK_STATUS(MARTLET_OK, martlet_set_log(engine, MARTLET_LOG_INFO, count_line, &log_lines));
    CHECK_STATUS(MARTLET_OK, martlet_log_fd(engine, MARTLET_LOG_ERROR, &same));
    CHECK(same == fd);
    add_webhook(engine, receiver_port(receiver), "/ok", NULL, 0);
    CHECK(__atomic_load_n(&log_lines, __ATOMIC_RELAXED) == 1 && poll(&watched, 1, 0) == 0);

    /* The end shows, for ever. */
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 30000));
    for (int i = 0; i < 2; i++) {
        CHECK(poll(&watched, 1, 0) == 1);
        CHECK_STATUS(MARTLET_OK, martlet_log_poll(engine, &json, NULL));
        CHECK(strstr(json, "\"ended\":true}") != NULL);
        martlet_free(json);
    }
    martlet_engine_free(engine);
    CHECK_STATUS(MARTLET_ERROR_CLOSED, martlet_log_poll(engine, &json, &length));
    CHECK(json == NULL && length == 0);
}

#define TEXT(text) (text), strlen(text)

static void secrets_tests_and_redelivery(void) {
    char error[MARTLET_ERROR_SIZE];
    char id[64];
    char delivery_id[MARTLET_ID_SIZE];
    char *json = NULL;
    size_t length = 0;
    const char *test = "{\"eventType\":\"call.placed\",\"data\":{\"n\":1e0}}";
    martlet_engine_t engine =
        open_engine("{\"environment\":\"development\",\"outcomes\":\"all\",\"retry\":{\"delaysSeconds\":[]}}");
    add_webhook(engine, receiver_port(receiver), "/down", id, sizeof id);
    CHECK_OK(martlet_webhook_rotate_secret(engine, TEXT(id), NULL, 0, &json, &length, error, sizeof error));
    CHECK(strlen(json) == length && count_of(json, "whsec_") == 2 && count_of(json, "\"expiresAt\":null") == 1);
    martlet_free(json);
    CHECK_OK(martlet_webhook_rotate_secret(engine, TEXT(id), TEXT("{\"overlapSeconds\":0}"), NULL, NULL, error,
                                           sizeof error));
    CHECK_OK(martlet_webhook_secrets(engine, TEXT(id), &json, NULL, error, sizeof error));
    CHECK(count_of(json, "whsec_") == 1);
    martlet_free(json);

    CHECK_OK(martlet_webhook_test(engine, TEXT(id), TEXT(test), &json, &length, error, sizeof error));
    CHECK(strlen(json) == length);
    json_string(json, "deliveryId", delivery_id, sizeof delivery_id);
    martlet_free(json);
    drain(engine, 2, keep);
    CHECK(strcmp(last_delivery.delivery_id, delivery_id) == 0 && last_delivery.state == MARTLET_STATE_FAILED);
    CHECK_OK(martlet_delivery_get(engine, TEXT(delivery_id), &json, NULL, error, sizeof error));
    CHECK(strstr(json, "\"test\":true") != NULL && strstr(json, "{\\\"n\\\":1e0}") != NULL);
    martlet_free(json);
    char failed[MARTLET_ID_SIZE] = "before";
    CHECK_STATUS(MARTLET_ERROR_WRONG_STATE,
                 martlet_redeliver(engine, TEXT(delivery_id), failed, error, sizeof error));
    CHECK(failed[0] == 0 && strstr(error, "test") != NULL);

    CHECK_OK(push_text(engine, "{\"callId\":1}", 3, NULL, error));
    drain(engine, 2, keep);
    strcpy(failed, last_delivery.delivery_id);
    CHECK_OK(martlet_redeliver(engine, TEXT(failed), delivery_id, error, sizeof error));
    CHECK(strncmp(delivery_id, "dlv_", 4) == 0 && strcmp(delivery_id, failed) != 0);
    drain(engine, 2, keep);
    CHECK(strcmp(last_delivery.delivery_id, delivery_id) == 0 && last_event.deliveries == 1 && last_event.tag == 3);
    CHECK_OK(martlet_replay(engine, TEXT("{\"perSecond\":1000}"), &json, &length, error, sizeof error));
    CHECK(strstr(json, "\"replayed\":1,\"skipped\":0") != NULL && strlen(json) == length);
    martlet_free(json);
    drain(engine, 2, keep);
    martlet_engine_free(engine);
}

static void canceling(void) {
    char error[MARTLET_ERROR_SIZE];
    char *json = NULL;
    char delivery_id[MARTLET_ID_SIZE];
    size_t canceled = 0;
    martlet_engine_t engine =
        open_engine("{\"environment\":\"development\",\"outcomes\":\"all\",\"maxInFlightPerWebhook\":1,\"timeoutMs\":1000}");
    size_t before = receiver_count(receiver, PATH_HANG);
    add_webhook(engine, receiver_port(receiver), "/hang", NULL, 0);
    for (uint64_t tag = 1; tag <= 4; tag++) CHECK_OK(push_text(engine, "{}", tag, NULL, error));
    CHECK(receiver_wait(receiver, PATH_HANG, before + 1));
    CHECK_OK(martlet_deliveries(engine, TEXT("{\"state\":\"pending\"}"), &json, NULL, error, sizeof error));
    CHECK(count_of(json, "\"state\":\"pending\"") == 3);
    json_string(json, "id", delivery_id, sizeof delivery_id);
    martlet_free(json);
    CHECK_OK(martlet_delivery_cancel(engine, TEXT(delivery_id), error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_WRONG_STATE, martlet_delivery_cancel(engine, TEXT(delivery_id), error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_NOT_FOUND, martlet_delivery_cancel(engine, TEXT("dlv_1"), error, sizeof error));
    CHECK_OK(martlet_deliveries_cancel(engine, NULL, 0, &canceled, error, sizeof error));
    CHECK(canceled == 3);
    drain(engine, 8, keep);
    CHECK(last_event.state == MARTLET_STATE_CANCELED);
    CHECK(receiver_count(receiver, PATH_HANG) == before + 1);
    martlet_engine_free(engine);
}

static void signatures(void) {
    char error[MARTLET_ERROR_SIZE];
    char text[MARTLET_SIGNATURE_SIZE];
    /* The worked example of the Standard Webhooks specification's reference libraries. */
    const char *secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const char *id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const char *body = "{\"test\": 2432232314}";
    const char *expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    CHECK_OK(martlet_sign(TEXT(secret), TEXT(id), 1614265330, TEXT(body), text, sizeof text, error, sizeof error));
    CHECK(strcmp(text, expected) == 0);
    CHECK_OK(martlet_sign(TEXT(secret), TEXT(id), 1614265330, TEXT(body), text, 48, error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_INVALID_ARGUMENT,
                 martlet_sign(TEXT(secret), TEXT(id), 1614265330, TEXT(body), text, 47, error, sizeof error));
    CHECK(text[0] == 0 && strstr(error, "48") != NULL);
    CHECK_OK(martlet_verify(TEXT(secret), TEXT(id), TEXT("1614265330"), TEXT(expected), TEXT(body), 1614265630, -1, error,
                            sizeof error));
    CHECK_STATUS(MARTLET_ERROR_VERIFICATION_FAILED,
                 martlet_verify(TEXT(secret), TEXT(id), TEXT("1614265330"), TEXT(expected), TEXT(body), 1614265631, -1,
                                error, sizeof error));
    CHECK(strstr(error, "too old") != NULL);
    CHECK_STATUS(MARTLET_ERROR_VERIFICATION_FAILED,
                 martlet_verify(TEXT(secret), TEXT(id), TEXT("1614265330"), TEXT(expected), TEXT(body), 0, -1, error,
                                sizeof error));
    CHECK_STATUS(MARTLET_ERROR_VERIFICATION_FAILED,
                 martlet_verify(TEXT(secret), TEXT(id), TEXT("1614265330"), TEXT(expected), TEXT("{}"), 1614265330, -1,
                                error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_VERIFICATION_FAILED,
                 martlet_verify(TEXT(secret), NULL, 0, NULL, 0, NULL, 0, NULL, 0, 1614265330, -1, error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_INVALID_ARGUMENT,
                 martlet_verify(TEXT("whsec_short"), TEXT(id), TEXT("1614265330"), TEXT(expected), TEXT(body), 1614265330,
                                -1, error, sizeof error));
    CHECK(strstr(error, "short") == NULL);
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
    RUN(a_type_is_added_while_it_runs);
    RUN(a_full_queue_refuses);
    RUN(an_older_caller_polls);
    RUN(a_newer_caller_polls);
    RUN(secrets_tests_and_redelivery);
    RUN(canceling);
    RUN(signatures);
    RUN(the_log_reaches_the_host);
    RUN(the_log_is_polled);
    receiver_stop(receiver);
    return 0;
}
