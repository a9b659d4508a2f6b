/* The quick way in. */

#include "addon.h"

#include <string.h>

napi_value push(napi_env env, napi_callback_info info) {
    napi_value arguments[4], result = NULL;
    struct text type, data;
    uint64_t tag;
    if (!get_arguments(env, info, 4, arguments)) return NULL;
    struct engine *engine = get_engine(env, arguments[0]);
    if (engine == NULL || !get_tag(env, arguments[3], &tag) || !text_get(env, arguments[1], &type)) return NULL;
    if (text_get(env, arguments[2], &data)) {
        char id[MARTLET_ID_SIZE], error[MARTLET_ERROR_SIZE];
        int32_t status = martlet_push(engine->handle, type.bytes, type.length, data.bytes, data.length, tag, id, error,
                                      sizeof error);
        if (status != MARTLET_OK) {
            throw_error(env, status, error);
        } else {
            check(env, napi_create_string_latin1(env, id, strlen(id), &result));
        }
        text_free(&data);
    }
    text_free(&type);
    return result;
}
