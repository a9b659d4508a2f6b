/*
 * The native half of the Node binding: Node-API over the C interface of Martlet. It decides nothing; lib/ gives it the
 * shape that JavaScript expects.
 *
 * State belongs to an environment (the main thread or a worker), never to the process: the addon is loaded once and
 * initialized for each.
 */

#ifndef MARTLET_NODE_ADDON_H
#define MARTLET_NODE_ADDON_H

#include <martlet.h>
#include <node_api.h>
#include <stdbool.h>

/* Makes the callback return when a Node-API call failed: an exception is then pending. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        if (!check(env, (call))) return NULL;                                                                          \
    } while (0)

/* ---- values.c ---- */

/* False when the call failed; throws then, unless an exception is pending already. */
bool check(napi_env env, napi_status status);

/* The arguments of a callback; missing ones are undefined. False with an exception pending. */
bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

/* Bytes of an argument: a string as UTF-8, a Buffer or other view as it is, nothing for undefined and null. */
struct text {
    const char *bytes;
    size_t length;
    /* To be freed, or NULL: the bytes then lie in `near` or belong to the argument and last until the callback ends. */
    char *heap;
    char near[4096];
};

/* Reads an argument. On false an exception is pending and there is nothing to free. */
bool text_get(napi_env env, napi_value value, struct text *text);
void text_free(struct text *text);

/* A whole number from 0 to 2^64 - 1 out of a number or BigInt; undefined is 0. On false an exception is pending. */
bool get_tag(napi_env env, napi_value value, uint64_t *tag);
/*
 * A whole number out of a number: rounded up, so that a short time does not become none; below zero -1; Infinity the
 * largest. Throws INVALID_ARGUMENT with this text for what is no number. On false an exception is pending.
 */
bool get_whole_number(napi_env env, napi_value value, const char *complaint, int64_t *whole);

/* The MartletError for a status, made by the function that lib/ registered; NULL with an exception pending. */
napi_value make_error(napi_env env, int32_t status, const char *text);
/* Throws it. Returns NULL, for callbacks to return. */
napi_value throw_error(napi_env env, int32_t status, const char *text);
/* Settles a promise: with the value, or where that is NULL the error, or where that is too the pending exception. */
void settle(napi_env env, napi_deferred deferred, napi_value value, napi_value error);

/* ---- engine.c ---- */

struct watch;

/* What an Engine of JavaScript holds. */
struct engine {
    /* A number in disguise: it may be copied and used after the engine is gone, and answers CLOSED then. */
    martlet_engine_t handle;
    /* One for each of the things below, NULL where it is not watched. */
    struct watch *watches[2];
};

/* What of an engine is watched: each has a pipe of its own. */
enum watched { OUTCOMES, LOG };

/* The engine behind an argument; NULL with an exception pending. */
struct engine *get_engine(napi_env env, napi_value value);
/* Hands an open engine to JavaScript, whose garbage collector frees it when nothing refers to it any more. */
napi_value wrap_engine(napi_env env, martlet_engine_t handle);
int32_t open_engine(const char *configuration, size_t length, martlet_engine_t *handle, char *error);
napi_value engine_open(napi_env env, napi_callback_info info);
napi_value engine_free(napi_env env, napi_callback_info info);

/* ---- calls.c ---- */

/* call(call, engine, first, second, number): a promise of the result; the call runs on libuv's pool. */
napi_value call_later(napi_env env, napi_callback_info info);
/* callNow(call, engine, first, second, number): the result. */
napi_value call_now(napi_env env, napi_callback_info info);
/* An object of the calls' numbers by name. */
napi_value call_numbers(napi_env env);

/* ---- push.c, signatures.c ---- */

/* push(engine, type, data, tag): the event's id. */
napi_value push(napi_env env, napi_callback_info info);
/* sign(secrets, id, body, timestamp): the signatures. */
napi_value sign(napi_env env, napi_callback_info info);
/* verify(secrets, id, timestamp, signatures, body, now, tolerance): undefined, or throws. */
napi_value verify(napi_env env, napi_callback_info info);

/* ---- waits.c ---- */

/* flush(engine, milliseconds) and close(engine, milliseconds): promises of undefined. */
napi_value flush_later(napi_env env, napi_callback_info info);
napi_value close_later(napi_env env, napi_callback_info info);

/* ---- watch.c ---- */

/* watch(engine, what, callback, level): the callback is called on this thread when listen() asked for it and outcomes, or
 * messages of the log at this level, wait. */
napi_value watch_start(napi_env env, napi_callback_info info);
/* setLogLevel(engine, level): of a log that is watched; 0 for none. */
napi_value log_level(napi_env env, napi_callback_info info);
/* listen(engine, what, mode): 0 off, 1 nobody waits, 2 somebody waits, 3 and the process is to stay alive for it. */
napi_value watch_listen(napi_env env, napi_callback_info info);
/* poll(engine, bytes): how many records were written to the bytes. */
napi_value watch_poll(napi_env env, napi_callback_info info);
/* Stops and frees a watch, also in a finalizer. */
void watch_end(struct watch *watch);
/* An object with the size of a record and the places of its fields. */
napi_value outcome_layout(napi_env env);

#endif
