/* Wrong arguments, wrong handles, wrong order: each gives a code. */
#define _GNU_SOURCE
#include <stdint.h>
#include <unistd.h>

#include "every.h"

#define BAD MARTLET_ERROR_INVALID_ARGUMENT

static const char *const all_outcomes = "{\"environment\":\"development\",\"outcomes\":\"all\"}";
static char error[MARTLET_ERROR_SIZE];

/* NULL for every pointer, with the lengths 0, 5 and the largest there is: a code every time. */
static void null_pointers(martlet_engine_t engine) {
    static const size_t lengths[] = {0, 5, SIZE_MAX};
    for (int i = 0; i < 3; i++) {
        size_t n = lengths[i];
        size_t e = n == 0 ? sizeof error : n;
        char *text = n == 0 ? error : NULL;
        CHECK(martlet_engine_open(NULL, n, NULL, text, e) == BAD);
        CHECK(martlet_engine_open_as(NULL, n, NULL, n, NULL, text, e) == BAD);
        CHECK(martlet_engine_stats_json(engine, NULL, NULL) == BAD);
        CHECK(martlet_engine_metrics_text(engine, NULL, NULL) == BAD);
        CHECK(martlet_engine_event_types_json(engine, NULL, NULL) == BAD);
        CHECK(martlet_webhook_create(engine, NULL, n, NULL, NULL, text, e) < 0);
        CHECK(martlet_webhook_update(engine, NULL, n, NULL, n, NULL, NULL, text, e) < 0);
        CHECK(martlet_webhook_check(engine, NULL, n, NULL, n, text, e) < 0);
        CHECK(martlet_webhook_get(engine, NULL, n, NULL, NULL, text, e) == BAD);
        CHECK(martlet_webhook_list(engine, NULL, n, NULL, NULL, text, e) == BAD);
        CHECK(martlet_webhook_secrets(engine, NULL, n, NULL, NULL, text, e) == BAD);
        CHECK(martlet_webhook_rotate_secret(engine, NULL, n, NULL, n, NULL, NULL, text, e) < 0);
        CHECK(martlet_webhook_test(engine, NULL, n, NULL, n, NULL, NULL, text, e) < 0);
        CHECK(martlet_webhook_delete(engine, NULL, n, text, e) < 0);
        CHECK(martlet_webhook_set_enabled(engine, NULL, n, 1, text, e) < 0);
        CHECK(martlet_push(engine, NULL, n, NULL, n, 0, NULL, text, e) < 0);
        CHECK(martlet_push_json(engine, NULL, n, NULL, NULL, text, e) == (n == 0 && engine != NULL ? MARTLET_OK : BAD));
        CHECK(martlet_push_event(engine, NULL, n, NULL, NULL, text, e) < 0);
        CHECK(martlet_event_type_add(engine, NULL, n, text, e) < 0);
        CHECK(martlet_outcomes_fd(engine, NULL) == BAD);
        CHECK(martlet_outcomes_poll(engine, NULL, n, n, NULL) == BAD);
        CHECK(martlet_deliveries(engine, NULL, n, NULL, NULL, text, e) == BAD);
        CHECK(martlet_delivery_get(engine, NULL, n, NULL, NULL, text, e) == BAD);
        CHECK(martlet_redeliver(engine, NULL, n, NULL, text, e) < 0);
        CHECK(martlet_replay(engine, NULL, n, NULL, NULL, text, e) == (n == 0 && engine != NULL ? MARTLET_OK : BAD));
        CHECK(martlet_delivery_cancel(engine, NULL, n, text, e) < 0);
        CHECK(martlet_deliveries_cancel(engine, NULL, n, NULL, text, e) == (n == 0 && engine != NULL ? MARTLET_OK : BAD));
        CHECK(martlet_sign(NULL, n, NULL, n, 0, NULL, n, NULL, n, text, e) == BAD);
        CHECK(martlet_verify(NULL, n, NULL, n, NULL, n, NULL, n, NULL, n, 0, -1, text, e) == BAD);
    }
}

static void null_everywhere(void) {
    null_pointers(NULL);
    CHECK_STATUS(BAD, martlet_engine_flush(NULL, 0));
    CHECK_STATUS(BAD, martlet_engine_close(NULL, 0));
    CHECK_STATUS(BAD, martlet_set_log(NULL, MARTLET_LOG_INFO, NULL, NULL));
    CHECK_STATUS(BAD, martlet_log_fd(NULL, MARTLET_LOG_INFO, NULL));
    CHECK_STATUS(BAD, martlet_log_poll(NULL, NULL, NULL));
    every_function(NULL, BAD);
    martlet_engine_free(NULL);
    martlet_free(NULL);
    CHECK(martlet_status_at(0, NULL) != NULL && martlet_status_at(SIZE_MAX, NULL) == NULL);
    martlet_engine_t engine = open_engine(all_outcomes);
    null_pointers(engine);
    martlet_engine_free(engine);
}

static void ignore_line(void *context, int32_t level, const char *message, size_t length) {
    (void)context, (void)level, (void)message, (void)length;
}

static void wrong_lengths_and_ranges(void) {
    martlet_engine_t engine = open_engine(all_outcomes);
    martlet_engine_t other = engine;
    martlet_outcome_t outcome;
    char *json = NULL;
    size_t count = 0;
    CHECK_STATUS(BAD, martlet_engine_open("{}", SIZE_MAX, &other, error, sizeof error));
    CHECK(other == NULL && strstr(error, "configuration") != NULL);
    CHECK_STATUS(BAD, martlet_push(engine, "x", SIZE_MAX, "1", 1, 0, NULL, error, sizeof error));
    CHECK(strstr(error, "type") != NULL);
    CHECK_STATUS(BAD, martlet_push(engine, TEXT(EVENT_TYPE), "1", SIZE_MAX, 0, NULL, error, sizeof error));
    CHECK(strstr(error, "data") != NULL);
    CHECK_STATUS(BAD, martlet_push_json(engine, "1", SIZE_MAX, NULL, NULL, error, sizeof error));
    CHECK_STATUS(BAD, martlet_webhook_get(engine, "x", SIZE_MAX, &json, NULL, error, sizeof error));
    CHECK_STATUS(BAD, martlet_webhook_list(engine, "x", SIZE_MAX, &json, NULL, error, sizeof error));
    CHECK_STATUS(BAD, martlet_outcomes_poll(engine, &outcome, 199, 1, &count));
    CHECK_STATUS(BAD, martlet_outcomes_poll(engine, &outcome, sizeof outcome, SIZE_MAX / 100, &count));
    CHECK_STATUS(BAD, martlet_outcomes_poll(engine, &outcome, SIZE_MAX, 1, &count));
    CHECK_STATUS(BAD, martlet_outcomes_poll(engine, NULL, sizeof outcome, 1, &count));
    CHECK_STATUS(BAD, martlet_engine_flush(engine, -1));
    CHECK_STATUS(BAD, martlet_engine_close(engine, -1));
    CHECK_STATUS(BAD, martlet_webhook_set_enabled(engine, TEXT("wh_1"), 2, error, sizeof error));
    CHECK_STATUS(BAD, martlet_set_log(engine, 9, ignore_line, NULL));
    int32_t log = 7;
    CHECK_STATUS(BAD, martlet_log_fd(engine, 9, &log));
    CHECK(log == -1);
    CHECK_STATUS(BAD, martlet_log_fd(engine, -1, &log));
    CHECK_STATUS(BAD, martlet_log_fd(engine, MARTLET_LOG_INFO, NULL));
    char *messages = (char *)1;
    CHECK_STATUS(MARTLET_ERROR_WRONG_STATE, martlet_log_poll(engine, &messages, NULL));
    CHECK(messages == NULL);
    CHECK_STATUS(MARTLET_OK, martlet_log_fd(engine, MARTLET_LOG_INFO, &log));
    CHECK_STATUS(BAD, martlet_log_poll(engine, NULL, NULL));
    CHECK_STATUS(MARTLET_OK, martlet_log_fd(engine, 0, &log));
    CHECK_STATUS(MARTLET_OK, martlet_outcomes_poll(engine, NULL, sizeof outcome, 0, &count));
    /* One byte beyond what the engine takes is refused before it is read: there is nothing behind this buffer. */
    char *large = malloc(1048577);
    memset(large, ' ', 1048577);
    CHECK_STATUS(MARTLET_ERROR_TOO_LARGE,
                 martlet_push(engine, TEXT(EVENT_TYPE), large, 1048577, 0, NULL, error, sizeof error));
    CHECK_STATUS(MARTLET_ERROR_TOO_LARGE,
                 martlet_push(engine, TEXT(EVENT_TYPE), large, SIZE_MAX / 2, 0, NULL, error, sizeof error));
    free(large);
    martlet_engine_free(engine);
}

static void bytes_that_are_not_utf8_or_json(void) {
    martlet_engine_t engine = open_engine(all_outcomes);
    martlet_engine_t other = engine;
    const char *bad[] = {"\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "", "{", "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(MARTLET_ERROR_INVALID_JSON,
                     martlet_push(engine, TEXT(EVENT_TYPE), TEXT(bad[i]), 0, NULL, error, sizeof error));
        CHECK(martlet_push(engine, TEXT(bad[i]), TEXT("1"), 0, NULL, error, sizeof error) ==
              MARTLET_ERROR_UNKNOWN_EVENT_TYPE);
        CHECK(martlet_webhook_create(engine, TEXT(bad[i]), NULL, NULL, error, sizeof error) < 0);
        CHECK(martlet_webhook_delete(engine, TEXT(bad[i]), error, sizeof error) < 0);
    }
    static const char *const no_products[] = {"", "a b", "a/b/c", "/1", "a/", "a\r\nb: c", "caf\xc3\xa9"};
    for (size_t i = 0; i < sizeof no_products / sizeof *no_products; i++) {
        CHECK_STATUS(BAD, martlet_engine_open_as(TEXT(no_products[i]), "{}", 2, &other, error, sizeof error));
    }
    CHECK_STATUS(MARTLET_ERROR_INVALID_JSON, martlet_engine_open("{\"\xff\":1}", 7, &other, error, sizeof error));
    CHECK(other == NULL);
    /* A NUL inside is a byte like any other, and not allowed in JSON. */
    CHECK_STATUS(MARTLET_ERROR_INVALID_JSON,
                 martlet_push(engine, TEXT(EVENT_TYPE), "1\0", 2, 0, NULL, error, sizeof error));
    martlet_engine_free(engine);
}

static void error_texts_are_cut_at_a_character(void) {
    const char *configuration = "{\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\":1}";
    char whole[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = NULL;
    CHECK_STATUS(MARTLET_ERROR_INVALID_DOCUMENT,
                 martlet_engine_open(TEXT(configuration), &engine, whole, sizeof whole));
    size_t length = strlen(whole);
    CHECK(length > 0 && length < sizeof whole - 1);
    for (size_t size = 0; size <= length + 1; size++) {
        char *part = malloc(size + 8);
        memset(part, 0x5A, size + 8);
        CHECK(martlet_engine_open(TEXT(configuration), &engine, part, size) == MARTLET_ERROR_INVALID_DOCUMENT);
        for (int i = 0; i < 8; i++) CHECK(part[size + (size_t)i] == 0x5A);
        if (size > 0) {
            size_t cut = strlen(part);
            CHECK(cut < size && memcmp(part, whole, cut) == 0);
            CHECK(((unsigned char)whole[cut] & 0xC0) != 0x80);
            CHECK(size - 1 - cut <= 3 || cut == length);
        }
        free(part);
    }
}

static void handles_that_are_none(void) {
    martlet_engine_t engine = open_engine("{}");
    uintptr_t live = (uintptr_t)engine;
    uintptr_t foreign[] = {1, 8, 0xD, 4096, (uintptr_t)&live, (uintptr_t)error, (uintptr_t)live + 1, UINTPTR_MAX,
                           (uintptr_t)1 << 63, live ^ ((uintptr_t)1 << 46), live + ((uintptr_t)1 << 4),
                           live + ((uintptr_t)1 << 16)};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        martlet_engine_t handle = (martlet_engine_t)foreign[i];
        every_function(handle, BAD);
        martlet_engine_free(handle);
    }
    CHECK_STATUS(MARTLET_OK, martlet_engine_flush(engine, 0));
    martlet_engine_free(engine);
}

static void closed_and_freed_handles(void) {
    martlet_engine_t engine = open_engine(all_outcomes);
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 20000));
    CHECK_STATUS(MARTLET_OK, martlet_engine_close(engine, 0));
    CHECK_STATUS(MARTLET_ERROR_CLOSED, push_text(engine, "{}", 0, NULL, error));
    CHECK_STATUS(MARTLET_ERROR_CLOSED,
                 martlet_webhook_create(engine, TEXT("{\"url\":\"https://example.com/\",\"events\":[\"*\"]}"), NULL, NULL,
                                        error, sizeof error));
    martlet_engine_free(engine);
    every_function(engine, MARTLET_ERROR_CLOSED);
    martlet_engine_free(engine);
    martlet_engine_free(engine);
    /* The next engine takes the same place under another number. */
    martlet_engine_t next = open_engine(all_outcomes);
    CHECK(next != engine);
    martlet_engine_free(engine);
    every_function(engine, MARTLET_ERROR_CLOSED);
    CHECK_STATUS(MARTLET_OK, push_text(next, "{}", 0, NULL, error));
    martlet_engine_free(next);
}

static void engines_do_not_share(void) {
    martlet_engine_t first = open_engine(all_outcomes);
    martlet_engine_t second = open_engine("{\"eventTypes\":[\"own.type\"]}");
    CHECK(first != second);
    CHECK_STATUS(MARTLET_ERROR_UNKNOWN_EVENT_TYPE,
                 martlet_push(first, TEXT("own.type"), TEXT("1"), 0, NULL, error, sizeof error));
    CHECK_STATUS(MARTLET_OK, martlet_push(second, TEXT("own.type"), TEXT("1"), 0, NULL, error, sizeof error));
    int32_t fd = 0;
    CHECK_STATUS(MARTLET_ERROR_WRONG_STATE, martlet_outcomes_fd(second, &fd));
    CHECK(fd == -1);
    martlet_engine_free(first);
    CHECK_STATUS(MARTLET_OK, martlet_push(second, TEXT("own.type"), TEXT("1"), 0, NULL, error, sizeof error));
    martlet_engine_free(second);
}

int main(void) {
    check_program = "misuse";
    RUN(null_everywhere);
    RUN(wrong_lengths_and_ranges);
    RUN(bytes_that_are_not_utf8_or_json);
    RUN(error_texts_are_cut_at_a_character);
    RUN(handles_that_are_none);
    RUN(closed_and_freed_handles);
    RUN(engines_do_not_share);
    return 0;
}
