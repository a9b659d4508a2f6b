/* The C interface as cgo likes it: the handle a number, so that Go never takes it for an address, and each result one
 * value, so that nothing of Go's is moved to the heap to receive it. Included by each file that calls it. */
#ifndef MARTLET_GO_GLUE_H
#define MARTLET_GO_GLUE_H

#include <fcntl.h>
#include <martlet.h>
#include <stdlib.h>
#include <string.h>

/* `error` is to be freed with free(), `text` with martlet_free(). */
typedef struct {
    int32_t status;
    char *error;
    char *text;
    size_t length;
    /* Of push_json. */
    size_t accepted, duplicates;
} glue_result;

typedef struct {
    int32_t status;
    char *error;
    size_t length;
    char id[MARTLET_ID_SIZE];
    int32_t duplicate;
} glue_id;

#define GLUE_ENGINE ((martlet_engine_t)engine)
#define GLUE_TEXT(string) _GoStringPtr(string), _GoStringLen(string)

/* Runs `call`, which may use `result` and `error`, and keeps the error text where there is one. */
#define GLUE_RETURN(type, call)                                    \
    char error[MARTLET_ERROR_SIZE] = "";                           \
    type result = {0};                                             \
    result.status = (call);                                        \
    if (result.status != MARTLET_OK) result.error = strdup(error); \
    return result

static inline glue_result glue_open(_GoString_ binding, const char *configuration, size_t length, uintptr_t *engine) {
    martlet_engine_t opened = NULL;
    char error[MARTLET_ERROR_SIZE] = "";
    glue_result result = {0};
    result.status = martlet_engine_open_as(GLUE_TEXT(binding), configuration, length, &opened, error, sizeof error);
    if (result.status != MARTLET_OK) result.error = strdup(error);
    *engine = (uintptr_t)opened;
    return result;
}

static inline int32_t glue_flush(uintptr_t engine, int64_t timeout) {
    return martlet_engine_flush(GLUE_ENGINE, timeout);
}

static inline int32_t glue_close(uintptr_t engine, int64_t timeout) {
    return martlet_engine_close(GLUE_ENGINE, timeout);
}

static inline void glue_free(uintptr_t engine) { martlet_engine_free(GLUE_ENGINE); }

static inline glue_result glue_stats(uintptr_t engine) {
    GLUE_RETURN(glue_result, martlet_engine_stats_json(GLUE_ENGINE, &result.text, &result.length));
}

static inline glue_result glue_metrics(uintptr_t engine) {
    GLUE_RETURN(glue_result, martlet_engine_metrics_text(GLUE_ENGINE, &result.text, &result.length));
}

static inline glue_result glue_event_types(uintptr_t engine) {
    GLUE_RETURN(glue_result, martlet_engine_event_types_json(GLUE_ENGINE, &result.text, &result.length));
}

static inline glue_result glue_event_type_add(uintptr_t engine, const char *type, size_t length) {
    GLUE_RETURN(glue_result, martlet_event_type_add(GLUE_ENGINE, type, length, error, sizeof error));
}

static inline glue_result glue_webhook_create(uintptr_t engine, const char *webhook, size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_create(GLUE_ENGINE, webhook, length, &result.text, &result.length, error,
                                                    sizeof error));
}

static inline glue_result glue_webhook_update(uintptr_t engine, _GoString_ id, const char *change, size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_update(GLUE_ENGINE, GLUE_TEXT(id), change, length, &result.text,
                                                    &result.length, error, sizeof error));
}

static inline glue_result glue_webhook_check(uintptr_t engine, _GoString_ id, const char *webhook, size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_check(GLUE_ENGINE, GLUE_TEXT(id), webhook, length, error, sizeof error));
}

static inline glue_result glue_webhook_get(uintptr_t engine, _GoString_ id) {
    GLUE_RETURN(glue_result, martlet_webhook_get(GLUE_ENGINE, GLUE_TEXT(id), &result.text, &result.length, error,
                                                 sizeof error));
}

static inline glue_result glue_webhook_list(uintptr_t engine, const char *query, size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_list(GLUE_ENGINE, query, length, &result.text, &result.length, error,
                                                  sizeof error));
}

static inline glue_result glue_webhook_secrets(uintptr_t engine, _GoString_ id) {
    GLUE_RETURN(glue_result, martlet_webhook_secrets(GLUE_ENGINE, GLUE_TEXT(id), &result.text, &result.length, error,
                                                     sizeof error));
}

static inline glue_result glue_webhook_rotate_secret(uintptr_t engine, _GoString_ id, const char *options,
                                                     size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_rotate_secret(GLUE_ENGINE, GLUE_TEXT(id), options, length, &result.text,
                                                           &result.length, error, sizeof error));
}

static inline glue_result glue_webhook_test(uintptr_t engine, _GoString_ id, const char *request, size_t length) {
    GLUE_RETURN(glue_result, martlet_webhook_test(GLUE_ENGINE, GLUE_TEXT(id), request, length, &result.text,
                                                  &result.length, error, sizeof error));
}

static inline glue_result glue_webhook_delete(uintptr_t engine, _GoString_ id) {
    GLUE_RETURN(glue_result, martlet_webhook_delete(GLUE_ENGINE, GLUE_TEXT(id), error, sizeof error));
}

static inline glue_result glue_webhook_set_enabled(uintptr_t engine, _GoString_ id, int32_t enabled) {
    GLUE_RETURN(glue_result, martlet_webhook_set_enabled(GLUE_ENGINE, GLUE_TEXT(id), enabled, error, sizeof error));
}

static inline glue_id glue_push(uintptr_t engine, _GoString_ type, const char *data, size_t length, uint64_t tag) {
    /* The hot path: no whole buffer is cleared. */
    char error[MARTLET_ERROR_SIZE];
    glue_id result;
    error[0] = result.id[0] = 0;
    result.status = martlet_push(GLUE_ENGINE, GLUE_TEXT(type), data, length, tag, result.id, error, sizeof error);
    result.error = result.status == MARTLET_OK ? NULL : strdup(error);
    result.length = strlen(result.id);
    return result;
}

static inline glue_id glue_push_event(uintptr_t engine, const char *event, size_t length) {
    char error[MARTLET_ERROR_SIZE];
    glue_id result;
    error[0] = result.id[0] = 0;
    result.status =
        martlet_push_event(GLUE_ENGINE, event, length, result.id, &result.duplicate, error, sizeof error);
    result.error = result.status == MARTLET_OK ? NULL : strdup(error);
    result.length = strlen(result.id);
    return result;
}

static inline glue_result glue_push_json(uintptr_t engine, const char *events, size_t length) {
    GLUE_RETURN(glue_result, martlet_push_json(GLUE_ENGINE, events, length, &result.accepted, &result.duplicates, error,
                                               sizeof error));
}

/* A duplicate of the descriptor, which Go's poller may own and close; -1 with `status` when there is none. */
static inline int glue_outcomes_fd(uintptr_t engine, int32_t *status) {
    int32_t fd = -1;
    *status = martlet_outcomes_fd(GLUE_ENGINE, &fd);
    if (*status != MARTLET_OK) return -1;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) *status = MARTLET_ERROR_OUT_OF_RESOURCES;
    return copy;
}

/* As glue_outcomes_fd(), for the log. */
static inline int glue_log_fd(uintptr_t engine, int32_t level, int32_t *status) {
    int32_t fd = -1;
    *status = martlet_log_fd(GLUE_ENGINE, level, &fd);
    if (*status != MARTLET_OK) return -1;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) *status = MARTLET_ERROR_OUT_OF_RESOURCES;
    return copy;
}

static inline glue_result glue_log_poll(uintptr_t engine) {
    GLUE_RETURN(glue_result, martlet_log_poll(GLUE_ENGINE, &result.text, &result.length));
}

static inline int32_t glue_outcomes_poll(uintptr_t engine, martlet_outcome_t *outcomes, size_t capacity,
                                         size_t *count) {
    return martlet_outcomes_poll(GLUE_ENGINE, outcomes, sizeof *outcomes, capacity, count);
}

static inline glue_result glue_deliveries(uintptr_t engine, const char *query, size_t length) {
    GLUE_RETURN(glue_result, martlet_deliveries(GLUE_ENGINE, query, length, &result.text, &result.length, error,
                                                sizeof error));
}

static inline glue_result glue_delivery_get(uintptr_t engine, _GoString_ id) {
    GLUE_RETURN(glue_result, martlet_delivery_get(GLUE_ENGINE, GLUE_TEXT(id), &result.text, &result.length, error,
                                                  sizeof error));
}

static inline glue_id glue_redeliver(uintptr_t engine, _GoString_ id) {
    char error[MARTLET_ERROR_SIZE];
    glue_id result;
    error[0] = result.id[0] = 0;
    result.status = martlet_redeliver(GLUE_ENGINE, GLUE_TEXT(id), result.id, error, sizeof error);
    result.error = result.status == MARTLET_OK ? NULL : strdup(error);
    result.length = strlen(result.id);
    return result;
}

static inline glue_result glue_replay(uintptr_t engine, const char *query, size_t length) {
    GLUE_RETURN(glue_result, martlet_replay(GLUE_ENGINE, query, length, &result.text, &result.length, error,
                                            sizeof error));
}

static inline glue_result glue_delivery_cancel(uintptr_t engine, _GoString_ id) {
    GLUE_RETURN(glue_result, martlet_delivery_cancel(GLUE_ENGINE, GLUE_TEXT(id), error, sizeof error));
}

static inline glue_result glue_deliveries_cancel(uintptr_t engine, const char *query, size_t length) {
    GLUE_RETURN(glue_result, martlet_deliveries_cancel(GLUE_ENGINE, query, length, &result.accepted, error,
                                                       sizeof error));
}

static inline glue_result glue_sign(_GoString_ secrets, _GoString_ id, int64_t timestamp, const char *body,
                                    size_t length, char *signature, size_t size) {
    GLUE_RETURN(glue_result, martlet_sign(GLUE_TEXT(secrets), GLUE_TEXT(id), timestamp, body, length, signature, size,
                                          error, sizeof error));
}

static inline glue_result glue_verify(_GoString_ secrets, _GoString_ id, _GoString_ timestamp, _GoString_ signatures,
                                      const char *body, size_t length, int64_t now, int64_t tolerance) {
    GLUE_RETURN(glue_result, martlet_verify(GLUE_TEXT(secrets), GLUE_TEXT(id), GLUE_TEXT(timestamp),
                                            GLUE_TEXT(signatures), body, length, now, tolerance, error, sizeof error));
}

#endif
