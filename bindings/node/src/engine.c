/* Engines and their life. */

#include "addon.h"

#include <stdlib.h>

static const char binding[] = "martlet-node/" MARTLET_VERSION;

int32_t open_engine(const char *configuration, size_t length, martlet_engine_t *handle, char *error) {
    return martlet_engine_open_as(binding, sizeof binding - 1, configuration, length, handle, error,
                                  MARTLET_ERROR_SIZE);
}

struct engine *get_engine(napi_env env, napi_value value) {
    void *engine = NULL;
    return check(env, napi_get_value_external(env, value, &engine)) ? engine : NULL;
}

static void end(struct engine *engine) {
    watch_end(engine->watches[OUTCOMES]);
    watch_end(engine->watches[LOG]);
    martlet_engine_free(engine->handle);
}

/* Runs when the engine was forgotten, and when the environment ends. */
static void finalize(napi_env env, void *data, void *hint) {
    (void)env;
    (void)hint;
    end(data);
    free(data);
}

napi_value wrap_engine(napi_env env, martlet_engine_t handle) {
    napi_value wrapped = NULL;
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine != NULL) {
        engine->handle = handle;
        if (check(env, napi_create_external(env, engine, finalize, NULL, &wrapped))) return wrapped;
        free(engine);
    } else {
        throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no memory for the engine");
    }
    martlet_engine_free(handle);
    return NULL;
}

napi_value engine_open(napi_env env, napi_callback_info info) {
    napi_value argument;
    struct text configuration;
    if (!get_arguments(env, info, 1, &argument) || !text_get(env, argument, &configuration)) return NULL;
    martlet_engine_t handle;
    char error[MARTLET_ERROR_SIZE];
    int32_t status = open_engine(configuration.bytes, configuration.length, &handle, error);
    text_free(&configuration);
    return status == MARTLET_OK ? wrap_engine(env, handle) : throw_error(env, status, error);
}

napi_value engine_free(napi_env env, napi_callback_info info) {
    napi_value argument;
    if (!get_arguments(env, info, 1, &argument)) return NULL;
    struct engine *engine = get_engine(env, argument);
    if (engine != NULL) end(engine);
    return NULL;
}
