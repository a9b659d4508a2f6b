/*
 * The calls that take texts and give a document, an id or counts. In a durable engine they may go to the disk: call()
 * runs them on libuv's pool and gives a promise, callNow() runs them at once, for those that only read memory.
 */

#include "addon.h"

#include <stdlib.h>
#include <string.h>

/* One call, its arguments and what came of it. */
struct request {
    const struct call *call;
    martlet_engine_t engine;
    struct text first, second;
    uint64_t number;

    int32_t status;
    char *json;
    size_t json_length;
    size_t accepted, duplicates;
    char id[MARTLET_ID_SIZE];
    char error[MARTLET_ERROR_SIZE];

    /* Of a call on the pool. The reference keeps the engine from being collected while it runs. */
    napi_async_work work;
    napi_deferred deferred;
    napi_ref reference;
};

enum result { NOTHING, DOCUMENT, ID, COUNT, COUNTS, ENGINE };

struct call {
    const char *name;
    enum result result;
    int32_t (*run)(struct request *request);
};

#define FIRST request->first.bytes, request->first.length
#define SECOND request->second.bytes, request->second.length
#define JSON &request->json, &request->json_length
#define ERROR request->error, sizeof request->error
/* One call: its name for lib/, what it gives, and the expression that makes it. */
#define CALL(name, result, expression)                                                                                 \
    static int32_t run_##name(struct request *request) { return expression; }                                          \
    static const struct call call_##name = {#name, result, run_##name};

CALL(open, ENGINE, open_engine(FIRST, &request->engine, request->error))
CALL(stats, DOCUMENT, martlet_engine_stats_json(request->engine, JSON))
CALL(metrics, DOCUMENT, martlet_engine_metrics_text(request->engine, JSON))
CALL(logPoll, DOCUMENT, martlet_log_poll(request->engine, JSON))
CALL(eventTypes, DOCUMENT, martlet_engine_event_types_json(request->engine, JSON))
CALL(addEventType, NOTHING, martlet_event_type_add(request->engine, FIRST, ERROR))
CALL(webhookCreate, DOCUMENT, martlet_webhook_create(request->engine, FIRST, JSON, ERROR))
CALL(webhookUpdate, DOCUMENT, martlet_webhook_update(request->engine, FIRST, SECOND, JSON, ERROR))
CALL(webhookCheck, NOTHING, martlet_webhook_check(request->engine, FIRST, SECOND, ERROR))
CALL(webhookGet, DOCUMENT, martlet_webhook_get(request->engine, FIRST, JSON, ERROR))
CALL(webhookList, DOCUMENT, martlet_webhook_list(request->engine, FIRST, JSON, ERROR))
CALL(webhookSecrets, DOCUMENT, martlet_webhook_secrets(request->engine, FIRST, JSON, ERROR))
CALL(webhookRotateSecret, DOCUMENT, martlet_webhook_rotate_secret(request->engine, FIRST, SECOND, JSON, ERROR))
CALL(webhookTest, DOCUMENT, martlet_webhook_test(request->engine, FIRST, SECOND, JSON, ERROR))
CALL(webhookDelete, NOTHING, martlet_webhook_delete(request->engine, FIRST, ERROR))
CALL(webhookSetEnabled, NOTHING, martlet_webhook_set_enabled(request->engine, FIRST, request->number != 0, ERROR))
CALL(push, ID, martlet_push(request->engine, FIRST, SECOND, request->number, request->id, ERROR))
CALL(pushEvent, ID, martlet_push_event(request->engine, FIRST, request->id, NULL, ERROR))
CALL(pushJSON, COUNTS,
     martlet_push_json(request->engine, FIRST, &request->accepted, &request->duplicates, ERROR))
CALL(deliveries, DOCUMENT, martlet_deliveries(request->engine, FIRST, JSON, ERROR))
CALL(deliveryGet, DOCUMENT, martlet_delivery_get(request->engine, FIRST, JSON, ERROR))
CALL(deliveryCancel, NOTHING, martlet_delivery_cancel(request->engine, FIRST, ERROR))
CALL(deliveriesCancel, COUNT, martlet_deliveries_cancel(request->engine, FIRST, &request->accepted, ERROR))
CALL(redeliver, ID, martlet_redeliver(request->engine, FIRST, request->id, ERROR))
CALL(replay, DOCUMENT, martlet_replay(request->engine, FIRST, JSON, ERROR))

static const struct call *const calls[] = {
    &call_open, &call_stats, &call_metrics, &call_logPoll, &call_eventTypes, &call_addEventType,
    &call_webhookCreate, &call_webhookUpdate, &call_webhookCheck, &call_webhookGet, &call_webhookList, &call_webhookSecrets,
    &call_webhookRotateSecret, &call_webhookTest, &call_webhookDelete, &call_webhookSetEnabled, &call_push,
    &call_pushEvent, &call_pushJSON, &call_deliveries, &call_deliveryGet, &call_deliveryCancel,
    &call_deliveriesCancel, &call_redeliver, &call_replay,
};

enum { CALLS = sizeof calls / sizeof *calls };

napi_value call_numbers(napi_env env) {
    napi_value numbers, number;
    TRY(napi_create_object(env, &numbers));
    for (uint32_t i = 0; i < CALLS; i++) {
        TRY(napi_create_uint32(env, i, &number));
        TRY(napi_set_named_property(env, numbers, calls[i]->name, number));
    }
    return numbers;
}

/* Fills the request from the callback's arguments; its texts are to be freed. On false an exception is pending. */
static bool prepare(napi_env env, napi_callback_info info, struct request *request, napi_value *engine) {
    napi_value arguments[5];
    uint32_t number;
    memset(request, 0, sizeof *request);
    if (!get_arguments(env, info, 5, arguments) || !check(env, napi_get_value_uint32(env, arguments[0], &number)) ||
        !get_tag(env, arguments[4], &request->number)) {
        return false;
    }
    if (number >= CALLS) {
        napi_throw_range_error(env, NULL, "no such call");
        return false;
    }
    request->call = calls[number];
    if (request->call->result != ENGINE) {
        struct engine *wrapped = get_engine(env, arguments[1]);
        if (wrapped == NULL) return false;
        request->engine = wrapped->handle;
        *engine = arguments[1];
    }
    if (!text_get(env, arguments[2], &request->first)) return false;
    if (text_get(env, arguments[3], &request->second)) return true;
    text_free(&request->first);
    return false;
}

static void run(struct request *request) { request->status = request->call->run(request); }

static bool set_count(napi_env env, napi_value object, const char *name, size_t count) {
    napi_value number;
    return check(env, napi_create_double(env, (double)count, &number)) &&
           check(env, napi_set_named_property(env, object, name, number));
}

/* What the call gave, NULL with an exception pending. */
static napi_value result(napi_env env, const struct request *request) {
    napi_value value = NULL;
    switch (request->call->result) {
        case NOTHING: TRY(napi_get_undefined(env, &value)); break;
        case DOCUMENT: TRY(napi_create_string_utf8(env, request->json, request->json_length, &value)); break;
        case ID: TRY(napi_create_string_utf8(env, request->id, NAPI_AUTO_LENGTH, &value)); break;
        case COUNT: TRY(napi_create_double(env, (double)request->accepted, &value)); break;
        case COUNTS:
            TRY(napi_create_object(env, &value));
            if (!set_count(env, value, "accepted", request->accepted) ||
                !set_count(env, value, "duplicates", request->duplicates)) {
                return NULL;
            }
            break;
        case ENGINE: value = wrap_engine(env, request->engine); break;
    }
    return value;
}

/* The error of a call that failed; one of several events tells how far it came. */
static napi_value failure(napi_env env, const struct request *request) {
    napi_value error = make_error(env, request->status, request->error);
    if (error != NULL && request->call->result == COUNTS &&
        (!set_count(env, error, "accepted", request->accepted) ||
         !set_count(env, error, "duplicates", request->duplicates))) {
        return NULL;
    }
    return error;
}

napi_value call_now(napi_env env, napi_callback_info info) {
    struct request request;
    napi_value engine, value = NULL;
    if (!prepare(env, info, &request, &engine)) return NULL;
    run(&request);
    text_free(&request.first);
    text_free(&request.second);
    if (request.status == MARTLET_OK) {
        value = result(env, &request);
    } else {
        napi_value error = failure(env, &request);
        if (error != NULL) check(env, napi_throw(env, error));
    }
    martlet_free(request.json);
    return value;
}

/* ---- On the pool ---- */

static void execute(napi_env env, void *data) {
    (void)env;
    run(data);
}

static void free_request(napi_env env, struct request *request) {
    text_free(&request->first);
    text_free(&request->second);
    martlet_free(request->json);
    if (request->reference != NULL) napi_delete_reference(env, request->reference);
    if (request->work != NULL) napi_delete_async_work(env, request->work);
    free(request);
}

static void complete(napi_env env, napi_status status, void *data) {
    struct request *request = data;
    /* Work is canceled only when the environment ends, and then nobody waits for the promise. */
    if (status == napi_ok) {
        bool succeeded = request->status == MARTLET_OK;
        settle(env, request->deferred, succeeded ? result(env, request) : NULL,
               succeeded ? NULL : failure(env, request));
    } else if (request->call->result == ENGINE) {
        martlet_engine_free(request->engine);
    }
    free_request(env, request);
}

/* Lets go of the argument: what the pool reads must not change or move meanwhile. */
static bool own(napi_env env, struct text *text) {
    if (text->heap != NULL || text->length == 0) return true;
    text->heap = malloc(text->length);
    if (text->heap == NULL) {
        throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no memory for a text");
        return false;
    }
    memcpy(text->heap, text->bytes, text->length);
    text->bytes = text->heap;
    return true;
}

napi_value call_later(napi_env env, napi_callback_info info) {
    napi_value engine = NULL, name, promise;
    struct request *request = malloc(sizeof *request);
    if (request == NULL) return throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no memory for a call");
    if (!prepare(env, info, request, &engine)) {
        free(request);
        return NULL;
    }
    if (!own(env, &request->first) || !own(env, &request->second) ||
        (engine != NULL && !check(env, napi_create_reference(env, engine, 1, &request->reference))) ||
        !check(env, napi_create_string_utf8(env, "martlet", NAPI_AUTO_LENGTH, &name)) ||
        !check(env, napi_create_async_work(env, NULL, name, execute, complete, request, &request->work)) ||
        !check(env, napi_create_promise(env, &request->deferred, &promise)) ||
        !check(env, napi_queue_async_work(env, request->work))) {
        free_request(env, request);
        return NULL;
    }
    return promise;
}
