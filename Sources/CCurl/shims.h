// Typed inline shims for libcurl's variadic calls, which Swift cannot import, and its constants with one type in every
// release (some are enumerators in one release and macros in the next).
#ifndef MARTLET_CCURL_SHIMS_H
#define MARTLET_CCURL_SHIMS_H

// The type checks are macros around the very calls that are wrapped here.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdint.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87.0 or later is needed (CURLOPT_QUICK_EXIT)"
#endif

// Constants.

static const long martlet_curl_global_all = CURL_GLOBAL_ALL;
static const long martlet_curl_http_1_1 = CURL_HTTP_VERSION_1_1;
static const long martlet_curl_http_2_tls = CURL_HTTP_VERSION_2TLS;
static const long martlet_curl_tls_1_2 = CURL_SSLVERSION_TLSv1_2;
static const long martlet_curl_pipe_nothing = CURLPIPE_NOTHING;
static const long martlet_curl_pipe_multiplex = CURLPIPE_MULTIPLEX;
static const int martlet_curl_poll_in = CURL_POLL_IN;
static const int martlet_curl_poll_out = CURL_POLL_OUT;
static const int martlet_curl_poll_inout = CURL_POLL_INOUT;
static const int martlet_curl_poll_remove = CURL_POLL_REMOVE;
static const int martlet_curl_select_in = CURL_CSELECT_IN;
static const int martlet_curl_select_out = CURL_CSELECT_OUT;
static const curl_socket_t martlet_curl_socket_bad = CURL_SOCKET_BAD;
static const curl_socket_t martlet_curl_socket_timeout = CURL_SOCKET_TIMEOUT;
static const int martlet_curl_feature_asynchronous_dns = CURL_VERSION_ASYNCHDNS;
static const int martlet_curl_feature_http2 = CURL_VERSION_HTTP2;

// Options of multi handles that later headers name (8.20.0); an older library answers CURLM_UNKNOWN_OPTION.
static const CURLMoption martlet_curl_multi_resolve_threads_max = (CURLMoption)20;
static const CURLMoption martlet_curl_multi_quick_exit = (CURLMoption)21;

// Flag of curl_url_get that later headers name (8.8.0); an older library knows no such bit, and tells an empty query always.
static const unsigned int martlet_curl_url_get_empty = 1 << 14;

static inline const curl_version_info_data *martlet_curl_version_information(void) {
    return curl_version_info(CURLVERSION_NOW);
}

// curl_easy_setopt by the type of its value.

static inline CURLcode martlet_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode martlet_curl_set_offset(CURL *easy, CURLoption option, int64_t value) {
    return curl_easy_setopt(easy, option, (curl_off_t)value);
}

static inline CURLcode martlet_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode martlet_curl_set_pointer(CURL *easy, CURLoption option, const void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode martlet_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode martlet_curl_set_write_function(CURL *easy, CURLoption option, curl_write_callback value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode martlet_curl_set_opensocket_function(CURL *easy, curl_opensocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}

static inline CURLcode martlet_curl_set_closesocket_function(CURL *easy, curl_closesocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, value);
}

static inline CURLcode martlet_curl_set_resolver_start_function(CURL *easy, curl_resolver_start_callback value) {
    return curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, value);
}

// curl_easy_getinfo by the type of its answer.

static inline CURLcode martlet_curl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode martlet_curl_get_string(CURL *easy, CURLINFO info, const char **value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode martlet_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode martlet_curl_get_offset(CURL *easy, CURLINFO info, int64_t *value) {
    curl_off_t answer = 0;
    CURLcode code = curl_easy_getinfo(easy, info, &answer);
    *value = answer;
    return code;
}

// curl_multi_setopt by the type of its value.

static inline CURLMcode martlet_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode martlet_curl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode martlet_curl_multi_set_socket_function(CURLM *multi, curl_socket_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, value);
}

static inline CURLMcode martlet_curl_multi_set_timer_function(CURLM *multi, curl_multi_timer_callback value) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, value);
}

#endif
