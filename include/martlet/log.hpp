/** Martlet's own messages. Part of martlet.hpp. */

#ifndef MARTLET_LOG_HPP
#define MARTLET_LOG_HPP

#include <martlet.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace martlet {

/** How urgent a message is: the more urgent, the smaller. */
enum class log_level : std::int32_t {
    /** Martlet could not do its work. */
    error = MARTLET_LOG_ERROR,
    /** Something needs attention, such as a webhook that was disabled. */
    warning = MARTLET_LOG_WARNING,
    /** The life of the engine and its webhooks. */
    info = MARTLET_LOG_INFO,
    /** Every attempt. */
    debug = MARTLET_LOG_DEBUG,
};

/** "error", "warning", "info" or "debug"; "unknown" for another number. */
inline const char *name(log_level level) noexcept {
    switch (level) {
    case log_level::error: return "error";
    case log_level::warning: return "warning";
    case log_level::info: return "info";
    case log_level::debug: return "debug";
    }
    return "unknown";
}

/**
 * Hears messages: one line each, valid until it returns. It is called by the engine's own threads and within its
 * functions, several at a time: it must be quick and must not call the engine. What it throws is dropped.
 */
using log_handler = std::function<void(log_level level, std::string_view message)>;

namespace detail {

/** What martlet_set_log() calls, with a log_handler as its context. */
inline void hear(void *context, std::int32_t level, const char *message, std::size_t length) noexcept {
    const log_handler &handler = *static_cast<log_handler *>(context);
#if defined(__cpp_exceptions)
    try {
        handler(static_cast<log_level>(level), std::string_view(message, length));
    } catch (...) {
        // It must not pass through the library.
    }
#else
    handler(static_cast<log_level>(level), std::string_view(message, length));
#endif
}

} // namespace detail

} // namespace martlet

#endif
