/* What the addon exports, and the comparison of versions when it is loaded. */

#include "addon.h"

#include <stdio.h>
#include <stdlib.h>

static void free_reference(napi_env env, void *data, void *hint) {
    (void)env;
    (void)hint;
    free(data);
}

/* setErrorFactory(function): what makes a MartletError out of number, name and text, for this environment. */
static napi_value set_error_factory(napi_env env, napi_callback_info info) {
    napi_value factory;
    if (!get_arguments(env, info, 1, &factory)) return NULL;
    napi_ref *reference = malloc(sizeof *reference);
    if (reference == NULL) return NULL;
    if (!check(env, napi_create_reference(env, factory, 1, reference)) ||
        !check(env, napi_set_instance_data(env, reference, free_reference, NULL))) {
        free(reference);
    }
    return NULL;
}

static bool set_property(napi_env env, napi_value object, const char *name, napi_value value) {
    return value != NULL && check(env, napi_set_named_property(env, object, name, value));
}

static bool set_function(napi_env env, napi_value object, const char *name, napi_callback callback) {
    napi_value function;
    return check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function)) &&
           set_property(env, object, name, function);
}

/* An object of the status codes by name, as the loaded library has them. */
static napi_value status_codes(napi_env env) {
    napi_value codes, number;
    TRY(napi_create_object(env, &codes));
    int32_t status = 0;
    const char *name;
    for (size_t index = 0; (name = martlet_status_at(index, &status)) != NULL; index++) {
        TRY(napi_create_int32(env, status, &number));
        if (!set_property(env, codes, name, number)) return NULL;
    }
    return codes;
}

/* The library must have this header's major version and be as new: only then has it all that the addon calls. */
static bool versions_fit(napi_env env) {
    uint32_t version = martlet_version_number();
    if (version >> 16 == MARTLET_VERSION_MAJOR && version >= MARTLET_VERSION_NUMBER) return true;
    char text[256];
    snprintf(text, sizeof text,
             "the Node binding was made for libmartlet %s or a later %d.x, but %s was loaded; reinstall the package, "
             "and see that LD_LIBRARY_PATH names no other",
             MARTLET_VERSION, MARTLET_VERSION_MAJOR, martlet_version());
    napi_throw_error(env, "MARTLET_VERSION", text);
    return false;
}

NAPI_MODULE_INIT() {
    static const struct {
        const char *name;
        napi_callback callback;
    } functions[] = {
        {"setErrorFactory", set_error_factory},
        {"open", engine_open},
        {"free", engine_free},
        {"call", call_later},
        {"callNow", call_now},
        {"push", push},
        {"flush", flush_later},
        {"close", close_later},
        {"watch", watch_start},
        {"listen", watch_listen},
        {"setLogLevel", log_level},
        {"poll", watch_poll},
        {"sign", sign},
        {"verify", verify},
    };
    if (!versions_fit(env)) return NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (!set_function(env, exports, functions[i].name, functions[i].callback)) return NULL;
    }
    napi_value version;
    TRY(napi_create_string_utf8(env, martlet_version(), NAPI_AUTO_LENGTH, &version));
    if (!set_property(env, exports, "version", version) || !set_property(env, exports, "codes", status_codes(env)) ||
        !set_property(env, exports, "calls", call_numbers(env)) ||
        !set_property(env, exports, "layout", outcome_layout(env))) {
        return NULL;
    }
    return exports;
}
