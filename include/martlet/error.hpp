/** Errors: thrown, or in results. Part of martlet.hpp. */

#ifndef MARTLET_ERROR_HPP
#define MARTLET_ERROR_HPP

#include <martlet.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace martlet {

/** What a call ended with. A newer library may give numbers that have no name here. */
enum class status : std::int32_t {
    ok = MARTLET_OK,
    invalid_argument = MARTLET_ERROR_INVALID_ARGUMENT,
    invalid_json = MARTLET_ERROR_INVALID_JSON,
    invalid_document = MARTLET_ERROR_INVALID_DOCUMENT,
    not_found = MARTLET_ERROR_NOT_FOUND,
    unknown_event_type = MARTLET_ERROR_UNKNOWN_EVENT_TYPE,
    queue_full = MARTLET_ERROR_QUEUE_FULL,
    too_large = MARTLET_ERROR_TOO_LARGE,
    address_refused = MARTLET_ERROR_ADDRESS_REFUSED,
    timed_out = MARTLET_ERROR_TIMED_OUT,
    closed = MARTLET_ERROR_CLOSED,
    forked = MARTLET_ERROR_FORKED,
    wrong_state = MARTLET_ERROR_WRONG_STATE,
    out_of_resources = MARTLET_ERROR_OUT_OF_RESOURCES,
    verification_failed = MARTLET_ERROR_VERIFICATION_FAILED,
    internal = MARTLET_ERROR_INTERNAL,
    storage_full = MARTLET_ERROR_STORAGE_FULL,
    storage = MARTLET_ERROR_STORAGE,
    in_use = MARTLET_ERROR_IN_USE,
};

/** The name of a status in the C interface: "QUEUE_FULL", "OK"; "UNKNOWN" for a number that is none. */
inline const char *name(status code) noexcept { return martlet_status_name(static_cast<std::int32_t>(code)); }

/** What was refused, and why: decide on the code, show the text. */
class error : public std::runtime_error {
public:
    error(status code, std::string_view text)
        : std::runtime_error(whole(code, text)), code_(code),
          length_(text.empty() ? std::strlen(what()) : text.size()) {}

    status code() const noexcept { return code_; }

    /** The code's name, such as "QUEUE_FULL". */
    const char *name() const noexcept { return martlet::name(code_); }

    /** One line for a person: what is wrong and what is accepted. what() is the same with the name behind it. */
    std::string_view text() const noexcept { return {what(), length_}; }

private:
    static std::string whole(status code, std::string_view text) {
        if (text.empty()) return martlet_status_text(static_cast<std::int32_t>(code));
        return std::string(text).append(" (").append(martlet::name(code)).append(")");
    }

    status code_;
    std::size_t length_;
};

namespace detail {

[[noreturn]] inline void raise(const error &failure) {
#if defined(__cpp_exceptions)
    throw failure;
#else
    std::fprintf(stderr, "martlet: the value of a failed result was used: %s\n", failure.what());
    std::abort();
#endif
}

} // namespace detail

/** A value, or the error that there is none: true where there is a value. */
template <class T> class [[nodiscard]] result {
public:
    result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    result(martlet::error failure) : held_(std::in_place_index<1>, std::move(failure)) {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /** The value. Where there is none the error is thrown; without exceptions the program ends. */
    T &value() & { return check(), *std::get_if<0>(&held_); }
    const T &value() const & { return check(), *std::get_if<0>(&held_); }
    T &&value() && { return check(), std::move(*std::get_if<0>(&held_)); }

    T &operator*() & { return value(); }
    const T &operator*() const & { return value(); }
    T &&operator*() && { return std::move(*this).value(); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }

    /** status::ok where there is a value. */
    status code() const noexcept { return has_value() ? status::ok : error().code(); }

    /** Only where there is no value. */
    const martlet::error &error() const noexcept { return *std::get_if<1>(&held_); }

private:
    void check() const {
        if (!has_value()) detail::raise(error());
    }

    std::variant<T, martlet::error> held_;
};

template <> class [[nodiscard]] result<void> {
public:
    result() = default;
    result(martlet::error failure) : failure_(std::move(failure)) {}

    bool has_value() const noexcept { return !failure_; }
    explicit operator bool() const noexcept { return has_value(); }
    void value() const {
        if (failure_) detail::raise(*failure_);
    }
    status code() const noexcept { return failure_ ? failure_->code() : status::ok; }
    const martlet::error &error() const noexcept { return *failure_; }

private:
    std::optional<martlet::error> failure_;
};

namespace detail {

/** A place for the library's error text. */
struct message {
    char text[MARTLET_ERROR_SIZE];
    message() noexcept { text[0] = 0; }
};

/** How errors are told: by throwing them. */
struct throwing {
    template <class T> using answer = T;

    template <class T> static T give(T value) { return value; }
    template <class T> static T fail(const error &failure) { raise(failure); }
    static void done() {}
};

/** How errors are told: in the result. */
struct returning {
    template <class T> using answer = result<T>;

    template <class T> static result<T> give(T value) { return result<T>(std::move(value)); }
    template <class T> static result<T> fail(error failure) { return result<T>(std::move(failure)); }
    static result<void> done() { return {}; }
};

template <class Errors, class T>
typename Errors::template answer<T> finish(std::int32_t code, const message &message, T value) {
    if (code == MARTLET_OK) return Errors::template give<T>(std::move(value));
    return Errors::template fail<T>(error(static_cast<status>(code), message.text));
}

template <class Errors> typename Errors::template answer<void> finish(std::int32_t code, const message &message) {
    if (code == MARTLET_OK) return Errors::done();
    return Errors::template fail<void>(error(static_cast<status>(code), message.text));
}

/** A text that the library allocated. */
struct text {
    char *bytes = nullptr;
    std::size_t length = 0;

    text() = default;
    text(const text &) = delete;
    text &operator=(const text &) = delete;
    ~text() { martlet_free(bytes); }

    std::string string() const { return bytes ? std::string(bytes, length) : std::string(); }
};

} // namespace detail

} // namespace martlet

#endif
