/* Signing and verifying, for receivers and tests. No engine is needed. */

#include "addon.h"

/* Reads `count` arguments as texts. On false an exception is pending and nothing is to be freed. */
static bool get_texts(napi_env env, const napi_value *arguments, size_t count, struct text *texts) {
    for (size_t i = 0; i < count; i++) {
        if (text_get(env, arguments[i], &texts[i])) continue;
        while (i > 0) text_free(&texts[--i]);
        return false;
    }
    return true;
}

napi_value sign(napi_env env, napi_callback_info info) {
    enum { SECRETS, ID, BODY, TEXTS };
    napi_value arguments[4], result = NULL;
    struct text texts[TEXTS];
    int64_t timestamp;
    if (!get_arguments(env, info, 4, arguments) ||
        !get_whole_number(env, arguments[3], "the timestamp must be a number of seconds", &timestamp) ||
        !get_texts(env, arguments, TEXTS, texts)) {
        return NULL;
    }
    char signature[MARTLET_SIGNATURE_SIZE], error[MARTLET_ERROR_SIZE];
    int32_t status = martlet_sign(texts[SECRETS].bytes, texts[SECRETS].length, texts[ID].bytes, texts[ID].length,
                                  timestamp, texts[BODY].bytes, texts[BODY].length, signature, sizeof signature, error,
                                  sizeof error);
    for (size_t i = 0; i < TEXTS; i++) text_free(&texts[i]);
    if (status != MARTLET_OK) return throw_error(env, status, error);
    check(env, napi_create_string_utf8(env, signature, NAPI_AUTO_LENGTH, &result));
    return result;
}

napi_value verify(napi_env env, napi_callback_info info) {
    enum { SECRETS, ID, TIMESTAMP, SIGNATURES, BODY, TEXTS };
    napi_value arguments[7];
    struct text texts[TEXTS];
    int64_t now, tolerance;
    if (!get_arguments(env, info, 7, arguments) ||
        !get_whole_number(env, arguments[5], "now must be a number of seconds", &now) ||
        !get_whole_number(env, arguments[6], "toleranceSeconds must be a number", &tolerance) ||
        !get_texts(env, arguments, TEXTS, texts)) {
        return NULL;
    }
    char error[MARTLET_ERROR_SIZE];
    int32_t status = martlet_verify(texts[SECRETS].bytes, texts[SECRETS].length, texts[ID].bytes, texts[ID].length,
                                    texts[TIMESTAMP].bytes, texts[TIMESTAMP].length, texts[SIGNATURES].bytes,
                                    texts[SIGNATURES].length, texts[BODY].bytes, texts[BODY].length, now, tolerance,
                                    error, sizeof error);
    for (size_t i = 0; i < TEXTS; i++) text_free(&texts[i]);
    return status == MARTLET_OK ? NULL : throw_error(env, status, error);
}
