/** Signatures after Standard Webhooks 1.0.0, for programs that receive webhooks, and for tests. Part of martlet.hpp. */

#ifndef MARTLET_SIGNATURE_HPP
#define MARTLET_SIGNATURE_HPP

#include "engine.hpp"

#include <martlet.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace martlet {

/** The three headers of a request, as received; empty where one is missing. */
struct signed_headers {
    std::string_view id;        /**< webhook-id */
    std::string_view timestamp; /**< webhook-timestamp */
    std::string_view signature; /**< webhook-signature */
};

/** How strict a verification is about time. */
struct verify_options {
    /** How far the timestamp may be from the clock, either way; below 0 for five minutes. */
    std::chrono::seconds tolerance{-1};
    /** The receiver's clock in unix seconds; 0 for the system's. */
    std::int64_t now = 0;
};

namespace detail {

template <class Errors>
typename Errors::template answer<std::string> sign(std::string_view secrets, std::string_view id,
                                                   std::int64_t timestamp, std::string_view body) {
    message message;
    std::string signature(16 * 48, '\0'); // sixteen secrets, the most that are taken
    const std::int32_t code =
        martlet_sign(secrets.data(), secrets.size(), id.data(), id.size(), timestamp, body.data(), body.size(),
                     &signature[0], signature.size() + 1, message.text, sizeof message.text);
    signature.resize(std::strlen(signature.c_str()));
    return finish<Errors>(code, message, std::move(signature));
}

template <class Errors>
typename Errors::template answer<void> verify(std::string_view secrets, const signed_headers &headers,
                                              std::string_view body, const verify_options &options) {
    message message;
    const std::int32_t code = martlet_verify(
        secrets.data(), secrets.size(), headers.id.data(), headers.id.size(), headers.timestamp.data(),
        headers.timestamp.size(), headers.signature.data(), headers.signature.size(), body.data(), body.size(),
        options.now, options.tolerance.count(), message.text, sizeof message.text);
    return finish<Errors>(code, message);
}

} // namespace detail

/** The functions that give results instead of throwing. */
namespace nothrow {

using engine = basic_engine<detail::returning>;
using engine_ref = basic_engine_ref<detail::returning>;

/** As martlet::sign(). */
inline result<std::string> sign(std::string_view secrets, std::string_view id, std::int64_t timestamp,
                                std::string_view body) {
    return detail::sign<detail::returning>(secrets, id, timestamp, body);
}

/** As martlet::verify(): true where the request is genuine. */
inline result<void> verify(std::string_view secrets, const signed_headers &headers, std::string_view body,
                           const verify_options &options = {}) {
    return detail::verify<detail::returning>(secrets, headers, body, options);
}

} // namespace nothrow

#if defined(__cpp_exceptions)

using engine = basic_engine<detail::throwing>;
using engine_ref = basic_engine_ref<detail::throwing>;

/**
 * Signs a request after Standard Webhooks 1.0.0: gives the value of `webhook-signature`.
 *
 * secrets: one, `whsec_` and base64, or several with blanks between: each gives one signature.
 *
 * timestamp: the value of `webhook-timestamp`, unix seconds.
 */
inline std::string sign(std::string_view secrets, std::string_view id, std::int64_t timestamp, std::string_view body) {
    return detail::sign<detail::throwing>(secrets, id, timestamp, body);
}

/**
 * Verifies a request over the body as received, before anything has parsed it.
 *
 * secrets: one, or several with blanks between, as while one is being rotated.
 *
 * Errors: verification_failed, whose text says why: answer with 400 or 401; invalid_argument for a secret that is none.
 */
inline void verify(std::string_view secrets, const signed_headers &headers, std::string_view body,
                   const verify_options &options = {}) {
    detail::verify<detail::throwing>(secrets, headers, body, options);
}

#endif

} // namespace martlet

#endif
