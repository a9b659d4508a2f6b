/* What the test programs do again and again: webhooks on the receiver, pushes, waiting for outcomes. */
#ifndef HOST_H
#define HOST_H

#include <poll.h>

#include "check.h"
#include "receiver.h"

#define EVENT_TYPE "call.completed"

static inline int32_t push_text(martlet_engine_t engine, const char *data, uint64_t tag, char *event_id, char *error) {
    return martlet_push(engine, EVENT_TYPE, strlen(EVENT_TYPE), data, strlen(data), tag, event_id, error,
                        error == NULL ? 0 : MARTLET_ERROR_SIZE);
}

/* Registers a webhook for every event type and copies its id. */
static inline void add_webhook(martlet_engine_t engine, int port, const char *path, char *id, size_t size) {
    char error[MARTLET_ERROR_SIZE];
    char document[200];
    char *json = NULL;
    int length = snprintf(document, sizeof document, "{\"url\":\"http://127.0.0.1:%d%s\",\"events\":[\"*\"]}", port, path);
    size_t json_length = 0;
    CHECK_OK(martlet_webhook_create(engine, document, (size_t)length, &json, &json_length, error, sizeof error));
    CHECK(json != NULL && strlen(json) == json_length);
    if (id != NULL) json_string(json, "id", id, size);
    martlet_free(json);
}

/* Waits on the descriptor and polls until so many outcomes came; `take` sees each. */
static inline void drain(martlet_engine_t engine, size_t wanted, void (*take)(const martlet_outcome_t *)) {
    int32_t fd = -1;
    CHECK_STATUS(MARTLET_OK, martlet_outcomes_fd(engine, &fd));
    size_t seen = 0;
    while (seen < wanted) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        CHECK(poll(&waiting, 1, 30000) == 1);
        size_t count = 0;
        do {
            martlet_outcome_t outcomes[7];
            CHECK_STATUS(MARTLET_OK, martlet_outcomes_poll(engine, outcomes, sizeof outcomes[0], 7, &count));
            CHECK(count <= 7);
            for (size_t i = 0; i < count; i++) {
                CHECK(outcomes[i].size == sizeof outcomes[i]);
                if (take != NULL) take(&outcomes[i]);
            }
            seen += count;
        } while (count == 7);
    }
    CHECK(seen == wanted);
}

#endif
