/* Calls every function that takes an engine, with arguments that are otherwise right. */
#ifndef EVERY_H
#define EVERY_H

#include "host.h"

#define TEXT(text) (text), strlen(text)

/* Each must answer `expected` and, where it gives something, give nothing. */
static inline void every_function(martlet_engine_t engine, int32_t expected) {
    const char *webhook = "{\"url\":\"https://example.com/\",\"events\":[\"*\"]}";
    const char *event = "{\"eventType\":\"call.placed\",\"data\":1}";
    const char *id = "wh_00000000000000000000000000";
    char error[MARTLET_ERROR_SIZE];
    char event_id[MARTLET_ID_SIZE];
    char *json = error;
    size_t length = 9;
    martlet_outcome_t outcome;
    int32_t fd = 9;
    size_t duplicates = 9;

#define GIVES_NOTHING CHECK(json == NULL && length == 0)
#define SAYS_WHY CHECK(error[0] != 0)
    CHECK_STATUS(expected, martlet_engine_flush(engine, 0));
    CHECK_STATUS(expected, martlet_engine_close(engine, 0));
    CHECK_STATUS(expected, martlet_engine_stats_json(engine, &json, &length));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_engine_metrics_text(engine, &json, &length));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_engine_event_types_json(engine, &json, &length));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_set_log(engine, MARTLET_LOG_INFO, NULL, NULL));
    CHECK_STATUS(expected, martlet_log_fd(engine, MARTLET_LOG_INFO, &fd));
    CHECK(fd == -1);
    CHECK_STATUS(expected, martlet_log_poll(engine, &json, &length));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_webhook_create(engine, TEXT(webhook), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_update(engine, TEXT(id), TEXT("{}"), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_check(engine, TEXT(id), TEXT("{}"), error, sizeof error));
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_get(engine, TEXT(id), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_webhook_list(engine, TEXT("{}"), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_webhook_secrets(engine, TEXT(id), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_webhook_rotate_secret(engine, TEXT(id), TEXT("{}"), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_test(engine, TEXT(id), TEXT("{\"eventType\":\"call.placed\"}"), &json, &length,
                                                error, sizeof error));
    GIVES_NOTHING;
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_delete(engine, TEXT(id), error, sizeof error));
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_webhook_set_enabled(engine, TEXT(id), 1, error, sizeof error));
    strcpy(event_id, "before");
    CHECK_STATUS(expected, martlet_push(engine, TEXT(EVENT_TYPE), TEXT("{}"), 1, event_id, error, sizeof error));
    CHECK(event_id[0] == 0);
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_push_json(engine, TEXT(event), &length, &duplicates, error, sizeof error));
    CHECK(length == 0 && duplicates == 0);
    int32_t duplicate = 9;
    event_id[0] = 'x';
    CHECK_STATUS(expected, martlet_push_event(engine, TEXT(event), event_id, &duplicate, error, sizeof error));
    CHECK(event_id[0] == 0 && duplicate == 0);
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_event_type_add(engine, TEXT("{\"name\":\"a.b\"}"), error, sizeof error));
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_outcomes_fd(engine, &fd));
    CHECK(fd == -1);
    length = 9;
    CHECK_STATUS(expected, martlet_outcomes_poll(engine, &outcome, sizeof outcome, 1, &length));
    CHECK(length == 0);
    CHECK_STATUS(expected, martlet_deliveries(engine, TEXT("{}"), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    CHECK_STATUS(expected, martlet_delivery_get(engine, TEXT(id), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    strcpy(event_id, "before");
    CHECK_STATUS(expected, martlet_redeliver(engine, TEXT(id), event_id, error, sizeof error));
    CHECK(event_id[0] == 0);
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_replay(engine, TEXT("{}"), &json, &length, error, sizeof error));
    GIVES_NOTHING;
    SAYS_WHY;
    CHECK_STATUS(expected, martlet_delivery_cancel(engine, TEXT(id), error, sizeof error));
    SAYS_WHY;
    length = 9;
    CHECK_STATUS(expected, martlet_deliveries_cancel(engine, TEXT("{}"), &length, error, sizeof error));
    CHECK(length == 0);
    SAYS_WHY;
#undef GIVES_NOTHING
#undef SAYS_WHY
}

#endif
