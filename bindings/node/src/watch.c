/*
 * Outcomes and the log: the pipes that tell of them, watched by the event loop of the environment itself, and the poll.
 *
 * libuv watches a duplicate of the descriptor, for the engine closes its own when it is freed, and nothing is read from
 * it. (A net.Socket would read, and the engine needs what it wrote into the pipe.) libuv's interface is stable within
 * version 1, which every Node has; sizes are asked for at run time.
 */

#include "addon.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* What listen() takes. While nobody awaits an outcome the watch goes on until the next one, so that a loop which awaits
 * one after the other costs no system calls; it then neither keeps the process alive nor the engine. */
enum mode { OFF, NOBODY_WAITS, WAITING, WAITING_KEEPS_ALIVE };

struct watch {
    /* NULL once the watch is ending. */
    struct engine *owner;
    enum watched what;
    uv_poll_t *poll;
    napi_env env;
    /* The callback refers to the engine: strong while somebody awaits an outcome, else weak. */
    napi_ref callback;
    napi_async_context context;
    napi_async_cleanup_hook_handle hook;
    int descriptor;
    enum mode mode;
    bool is_active;
};

static void closed(uv_handle_t *handle) {
    struct watch *watch = handle->data;
    close(watch->descriptor);
    napi_remove_async_cleanup_hook(watch->hook);
    free(watch->poll);
    free(watch);
}

void watch_end(struct watch *watch) {
    if (watch == NULL || watch->owner == NULL) return;
    watch->owner->watches[watch->what] = NULL;
    watch->owner = NULL;
    uv_poll_stop(watch->poll);
    if (watch->context != NULL) napi_async_destroy(watch->env, watch->context);
    if (watch->callback != NULL) napi_delete_reference(watch->env, watch->callback);
    uv_close((uv_handle_t *)watch->poll, closed);
}

/* The environment ends: its loop goes on until closed() has removed the hook. */
static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
    (void)hook;
    watch_end(data);
}

static void stop(struct watch *watch) {
    uv_poll_stop(watch->poll);
    watch->is_active = false;
}

static void readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    struct watch *watch = poll->data;
    /* On an error libuv has stopped already. */
    if (status < 0) watch->is_active = false;
    napi_env env = watch->env;
    napi_handle_scope scope;
    napi_value callback = NULL, receiver, result;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    if (napi_get_reference_value(env, watch->callback, &callback) == napi_ok && callback != NULL) {
        napi_get_global(env, &receiver);
        if (napi_make_callback(env, watch->context, receiver, callback, 0, NULL, &result) == napi_pending_exception) {
            napi_value error;
            napi_get_and_clear_last_exception(env, &error);
            napi_fatal_exception(env, error);
        }
    } else {
        stop(watch);
    }
    napi_close_handle_scope(env, scope);
}

static struct watch *new_watch(napi_env env, uv_loop_t *loop, int descriptor) {
    struct watch *watch = calloc(1, sizeof *watch);
    uv_poll_t *poll = calloc(1, uv_handle_size(UV_POLL));
    if (watch != NULL && poll != NULL && uv_poll_init(loop, poll, descriptor) == 0) {
        poll->data = watch;
        watch->env = env;
        watch->poll = poll;
        watch->descriptor = descriptor;
        return watch;
    }
    free(watch);
    free(poll);
    return NULL;
}

/* The engine's descriptor; a status other than OK is thrown. */
static bool get_descriptor(napi_env env, struct engine *engine, enum watched what, int32_t level, int32_t *descriptor) {
    int32_t status = what == LOG ? martlet_log_fd(engine->handle, level, descriptor)
                                 : martlet_outcomes_fd(engine->handle, descriptor);
    if (status != MARTLET_OK) throw_error(env, status, NULL);
    return status == MARTLET_OK;
}

/* One of the two things that are watched, out of an argument. On false an exception is pending. */
static bool get_watched(napi_env env, napi_value argument, enum watched *what) {
    uint32_t number;
    if (!check(env, napi_get_value_uint32(env, argument, &number))) return false;
    *what = number == LOG ? LOG : OUTCOMES;
    return true;
}

napi_value watch_start(napi_env env, napi_callback_info info) {
    napi_value arguments[4], name;
    enum watched what;
    int32_t descriptor, level = 0;
    uv_loop_t *loop;
    if (!get_arguments(env, info, 4, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !get_watched(env, arguments[1], &what)) return NULL;
    if (what == LOG) TRY(napi_get_value_int32(env, arguments[3], &level));
    if (engine->watches[what] != NULL) return throw_error(env, MARTLET_ERROR_WRONG_STATE, "it is watched already");
    if (!get_descriptor(env, engine, what, level, &descriptor)) return NULL;
    TRY(napi_get_uv_event_loop(env, &loop));
    TRY(napi_create_string_utf8(env, "martlet", NAPI_AUTO_LENGTH, &name));

    int duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    struct watch *watch = duplicate < 0 ? NULL : new_watch(env, loop, duplicate);
    if (watch == NULL) {
        if (duplicate >= 0) close(duplicate);
        return throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no descriptor or memory to watch the engine");
    }
    watch->owner = engine;
    watch->what = what;
    engine->watches[what] = watch;
    if (!check(env, napi_create_reference(env, arguments[2], 0, &watch->callback)) ||
        !check(env, napi_async_init(env, NULL, name, &watch->context)) ||
        !check(env, napi_add_async_cleanup_hook(env, environment_ends, watch, &watch->hook))) {
        watch_end(watch);
    }
    return NULL;
}

napi_value log_level(napi_env env, napi_callback_info info) {
    napi_value arguments[2];
    int32_t level, descriptor;
    if (!get_arguments(env, info, 2, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !check(env, napi_get_value_int32(env, arguments[1], &level))) return NULL;
    get_descriptor(env, engine, LOG, level, &descriptor);
    return NULL;
}

napi_value watch_listen(napi_env env, napi_callback_info info) {
    napi_value arguments[3];
    enum watched what;
    uint32_t mode;
    if (!get_arguments(env, info, 3, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !get_watched(env, arguments[1], &what) ||
        !check(env, napi_get_value_uint32(env, arguments[2], &mode))) {
        return NULL;
    }
    struct watch *watch = engine->watches[what];
    if (watch == NULL) return NULL;
    if (mode == OFF) {
        stop(watch);
    } else if (!watch->is_active) {
        if (uv_poll_start(watch->poll, UV_READABLE, readable) != 0) {
            return throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "the engine cannot be watched");
        }
        watch->is_active = true;
    }
    if (mode == WAITING_KEEPS_ALIVE) {
        uv_ref((uv_handle_t *)watch->poll);
    } else {
        uv_unref((uv_handle_t *)watch->poll);
    }
    bool was_waiting = watch->mode >= WAITING, is_waiting = mode >= WAITING;
    watch->mode = mode;
    if (is_waiting && !was_waiting) TRY(napi_reference_ref(env, watch->callback, NULL));
    if (was_waiting && !is_waiting) TRY(napi_reference_unref(env, watch->callback, NULL));
    return NULL;
}

napi_value watch_poll(napi_env env, napi_callback_info info) {
    napi_value arguments[2], result;
    void *bytes;
    size_t length, count;
    if (!get_arguments(env, info, 2, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !check(env, napi_get_buffer_info(env, arguments[1], &bytes, &length))) return NULL;
    int32_t status = martlet_outcomes_poll(engine->handle, bytes, sizeof(martlet_outcome_t),
                                           length / sizeof(martlet_outcome_t), &count);
    if (status != MARTLET_OK) return throw_error(env, status, NULL);
    TRY(napi_create_uint32(env, (uint32_t)count, &result));
    return result;
}

napi_value outcome_layout(napi_env env) {
#define FIELD(name) {#name, offsetof(martlet_outcome_t, name)}
    static const struct {
        const char *name;
        size_t place;
    } fields[] = {
        {"stride", sizeof(martlet_outcome_t)}, FIELD(kind), FIELD(state), FIELD(failure), FIELD(tag),
        FIELD(settled_at_ms), FIELD(attempts), FIELD(http_status), FIELD(deliveries), FIELD(succeeded),
        FIELD(event_id), FIELD(delivery_id), FIELD(webhook_id), FIELD(failing_since_ms), FIELD(reason),
    };
#undef FIELD
    napi_value layout, number;
    TRY(napi_create_object(env, &layout));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        TRY(napi_create_uint32(env, (uint32_t)fields[i].place, &number));
        TRY(napi_set_named_property(env, layout, fields[i].name, number));
    }
    return layout;
}
