/* Arguments, errors and promises. */

#include "addon.h"

#include <math.h>
#include <stdlib.h>

bool check(napi_env env, napi_status status) {
    if (status == napi_ok) return true;
    const napi_extended_error_info *info = NULL;
    bool pending = false;
    napi_get_last_error_info(env, &info);
    const char *text = info != NULL && info->error_message != NULL ? info->error_message : "a Node-API call failed";
    if (napi_is_exception_pending(env, &pending) == napi_ok && !pending) napi_throw_error(env, NULL, text);
    return false;
}

bool get_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
    return check(env, napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
}

static bool string_get(napi_env env, napi_value value, struct text *text) {
    text->bytes = text->near;
    if (!check(env, napi_get_value_string_utf8(env, value, text->near, sizeof text->near, &text->length))) return false;
    /* A character has 4 bytes at most: with more room than that, and the NUL, left over, nothing was cut. */
    if (text->length + 5 < sizeof text->near) return true;
    if (!check(env, napi_get_value_string_utf8(env, value, NULL, 0, &text->length))) return false;
    text->heap = malloc(text->length + 1);
    if (text->heap == NULL) {
        throw_error(env, MARTLET_ERROR_OUT_OF_RESOURCES, "no memory for a text");
        return false;
    }
    text->bytes = text->heap;
    if (check(env, napi_get_value_string_utf8(env, value, text->heap, text->length + 1, &text->length))) return true;
    text_free(text);
    return false;
}

bool text_get(napi_env env, napi_value value, struct text *text) {
    napi_valuetype type;
    bool is_view = false;
    text->bytes = NULL;
    text->length = 0;
    text->heap = NULL;
    if (!check(env, napi_typeof(env, value, &type))) return false;
    if (type == napi_string) return string_get(env, value, text);
    if (type == napi_undefined || type == napi_null) return true;
    /* In every Node this is true of each view of an ArrayBuffer, and the call below takes each. */
    if (!check(env, napi_is_buffer(env, value, &is_view))) return false;
    if (is_view) {
        void *bytes = NULL;
        if (!check(env, napi_get_buffer_info(env, value, &bytes, &text->length))) return false;
        text->bytes = bytes;
        return true;
    }
    throw_error(env, MARTLET_ERROR_INVALID_ARGUMENT, "a string, Buffer or Uint8Array is expected");
    return false;
}

void text_free(struct text *text) {
    free(text->heap);
    text->heap = NULL;
}

bool get_tag(napi_env env, napi_value value, uint64_t *tag) {
    napi_valuetype type;
    double number = -1;
    bool lossless = false;
    *tag = 0;
    if (!check(env, napi_typeof(env, value, &type))) return false;
    if (type == napi_undefined) return true;
    if (type == napi_bigint) {
        if (!check(env, napi_get_value_bigint_uint64(env, value, tag, &lossless))) return false;
        if (lossless) return true;
    } else if (type == napi_number) {
        if (!check(env, napi_get_value_double(env, value, &number))) return false;
        /* Beyond 2^53 a number no longer tells which whole number was meant. */
        if (number >= 0 && number <= 9007199254740991.0 && number == floor(number)) {
            *tag = (uint64_t)number;
            return true;
        }
    }
    throw_error(env, MARTLET_ERROR_INVALID_ARGUMENT,
                "tag must be a whole number from 0 to 18446744073709551615, beyond 9007199254740991 as a BigInt");
    return false;
}

bool get_whole_number(napi_env env, napi_value value, const char *complaint, int64_t *whole) {
    napi_valuetype type;
    double number = NAN;
    if (!check(env, napi_typeof(env, value, &type))) return false;
    if (type == napi_number && !check(env, napi_get_value_double(env, value, &number))) return false;
    if (isnan(number)) {
        throw_error(env, MARTLET_ERROR_INVALID_ARGUMENT, complaint);
        return false;
    }
    if (number > 9007199254740991.0) {
        *whole = 9007199254740991;
    } else {
        *whole = number < 0 ? -1 : (int64_t)ceil(number);
    }
    return true;
}

napi_value make_error(napi_env env, int32_t status, const char *text) {
    napi_ref *reference = NULL;
    napi_value factory, receiver, arguments[3], error;
    if (text == NULL || *text == 0) text = martlet_status_text(status);
    TRY(napi_get_instance_data(env, (void **)&reference));
    TRY(napi_get_reference_value(env, *reference, &factory));
    TRY(napi_get_undefined(env, &receiver));
    TRY(napi_create_int32(env, status, &arguments[0]));
    TRY(napi_create_string_utf8(env, martlet_status_name(status), NAPI_AUTO_LENGTH, &arguments[1]));
    TRY(napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &arguments[2]));
    TRY(napi_call_function(env, receiver, factory, 3, arguments, &error));
    return error;
}

napi_value throw_error(napi_env env, int32_t status, const char *text) {
    napi_value error = make_error(env, status, text);
    if (error != NULL) check(env, napi_throw(env, error));
    return NULL;
}

void settle(napi_env env, napi_deferred deferred, napi_value value, napi_value error) {
    bool pending = false;
    if (value != NULL) {
        check(env, napi_resolve_deferred(env, deferred, value));
        return;
    }
    if (error == NULL && napi_is_exception_pending(env, &pending) == napi_ok && pending) {
        napi_get_and_clear_last_exception(env, &error);
    }
    if (error != NULL) check(env, napi_reject_deferred(env, deferred, error));
}
