/** JSON: reads what the library gives, writes what it takes. Part of martlet.hpp. */

#ifndef MARTLET_JSON_HPP
#define MARTLET_JSON_HPP

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace martlet {

namespace detail {

/** Where the string that begins with the quote at `at` has ended; the end of the text where it does not. */
inline std::size_t string_end(std::string_view json, std::size_t at) noexcept {
    const std::size_t start = at + 1;
    for (std::size_t quote = start; (quote = json.find('"', quote)) != std::string_view::npos; ++quote) {
        // A quote is part of the string behind an odd number of backslashes.
        std::size_t backslashes = 0;
        while (backslashes < quote - start && json[quote - 1 - backslashes] == '\\') ++backslashes;
        if (backslashes % 2 == 0) return quote + 1;
    }
    return json.size();
}

/**
 * Where the value that begins at `at` has ended: at a comma, colon or closing bracket that is not its own, or the end.
 */
inline std::size_t value_end(std::string_view json, std::size_t at) noexcept {
    std::size_t depth = 0;
    while (at < json.size()) {
        const char c = json[at];
        if (depth == 0 && (c == ',' || c == ':' || c == '}' || c == ']')) break;
        if (c == '"') {
            at = string_end(json, at);
            continue;
        }
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        ++at;
    }
    return at;
}

/**
 * Whether a text ends where its first value does, as far as brackets and quotes tell: so it cannot add keys to a
 * document that it is put into. The library checks the rest.
 */
inline bool is_one_value(std::string_view json) noexcept {
    std::size_t depth = 0;
    for (std::size_t at = 0; at < json.size(); ++at) {
        const char c = json[at];
        if (c == '"') {
            const std::size_t end = string_end(json, at);
            if (json[end - 1] != '"' || end - at < 2) return false;
            // What ends at the end of the text may lack its quote: then the last one is escaped, or the first.
            std::size_t backslashes = 0;
            while (json[end - 2 - backslashes] == '\\') ++backslashes;
            if (backslashes % 2 != 0) return false;
            at = end - 1;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            if (depth-- == 0) return false;
        } else if (c == ',' && depth == 0) {
            return false;
        }
    }
    return depth == 0;
}

/** Goes to what stands at the next place of an object or array without blanks; false at its end. */
inline bool next_value(std::string_view json, std::size_t &at, std::string_view &value) noexcept {
    if (at >= json.size() || json[at] == '}' || json[at] == ']') return false;
    if (json[at] == ',' || json[at] == ':' || json[at] == '{' || json[at] == '[') ++at;
    const std::size_t end = value_end(json, at);
    value = json.substr(at, end - at);
    at = end;
    return !value.empty();
}

} // namespace detail

/** A JSON object that the library gave. */
class document {
public:
    document() = default;
    explicit document(std::string text) : text_(std::move(text)) {}

    const std::string &text() const & noexcept { return text_; }
    std::string text() && noexcept { return std::move(text_); }
    operator std::string_view() const noexcept { return text_; }

    /** The JSON of one of the object's own members, valid as long as the document; empty where there is none. */
    std::string_view member(std::string_view key) const noexcept {
        std::string_view name, value;
        // The first step goes behind the brace.
        for (std::size_t at = 0; detail::next_value(text_, at, name) && detail::next_value(text_, at, value);) {
            if (name.size() == key.size() + 2 && name.substr(1, key.size()) == key) return value;
        }
        return {};
    }

    /** The id of a webhook or delivery; empty where the document has none. */
    std::string id() const { return name("id"); }

    /** A member that is a string without escapes, as all ids are; empty where there is none. */
    std::string name(std::string_view key) const {
        const std::string_view value = member(key);
        return value.size() < 2 || value[0] != '"' ? std::string() : std::string(value.substr(1, value.size() - 2));
    }

private:
    std::string text_;
};

/**
 * JSON text that is ready, for object::set(). Text that is not one value makes a document that the library refuses: it
 * cannot add keys to the document around it.
 */
struct json {
    std::string_view text;
};

class object;

namespace detail {

template <class T, class = void> struct is_range : std::false_type {};
template <class T>
struct is_range<T, std::void_t<decltype(std::begin(std::declval<const T &>()), std::end(std::declval<const T &>()))>>
    : std::true_type {};

template <class T> struct is_pair : std::false_type {};
template <class A, class B> struct is_pair<std::pair<A, B>> : std::true_type {};

template <class T> struct is_optional : std::false_type {};
template <class T> struct is_optional<std::optional<T>> : std::true_type {};

inline void write_string(std::string &out, std::string_view text) {
    out += '"';
    std::size_t plain = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text, plain, at - plain);
        plain = at + 1;
        char escape[8];
        if (c >= 0x20) std::snprintf(escape, sizeof escape, "\\%c", c);
        else std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
        out += escape;
    }
    out.append(text, plain, text.size() - plain);
    out += '"';
}

inline void write_double(std::string &out, double number) {
    if (!std::isfinite(number)) { // JSON has no such numbers
        out += "null";
        return;
    }
    char digits[32];
#if defined(__cpp_lib_to_chars)
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
#else
    std::snprintf(digits, sizeof digits, "%.17g", number);
    for (char &c : digits) {
        if (c == ',') c = '.'; // of the locale
    }
    out += digits;
#endif
}

template <class Integer> void write_integer(std::string &out, Integer number) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/**
 * Writes text, truth values, numbers, nullptr, optionals, builders, ready JSON, ranges of them, and ranges of pairs.
 */
template <class T> void write(std::string &out, const T &value) {
    if constexpr (std::is_same_v<T, bool>) {
        out += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
        out += "null";
    } else if constexpr (std::is_integral_v<T>) {
        static_assert(!std::is_same_v<T, char>, "a character is no value: give a text");
        write_integer(out, value);
    } else if constexpr (std::is_floating_point_v<T>) {
        write_double(out, static_cast<double>(value));
    } else if constexpr (is_optional<T>::value) {
        if (value) write(out, *value);
        else out += "null";
    } else if constexpr (std::is_same_v<T, json>) {
        out += is_one_value(value.text) ? value.text : std::string_view("!");
    } else if constexpr (std::is_base_of_v<object, T> || std::is_same_v<T, document>) {
        out += std::string_view(value);
    } else if constexpr (std::is_convertible_v<const T &, std::string_view>) {
        write_string(out, value);
    } else {
        static_assert(is_range<T>::value, "no form in JSON: give text, numbers, a builder, a range or martlet::json");
        using element = std::decay_t<decltype(*std::begin(value))>;
        out += is_pair<element>::value ? '{' : '[';
        bool is_first = true;
        for (const auto &each : value) {
            if (!is_first) out += ',';
            is_first = false;
            if constexpr (is_pair<element>::value) {
                write_string(out, each.first);
                out += ':';
                write(out, each.second);
            } else {
                write(out, static_cast<const element &>(each));
            }
        }
        out += is_pair<element>::value ? '}' : ']';
    }
}

/** A time as RFC 3339, section 5.6, has it, with milliseconds. */
inline std::string rfc3339(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto ms = floor<milliseconds>(time.time_since_epoch());
    const auto whole = floor<std::chrono::seconds>(ms);
    const std::time_t seconds = static_cast<std::time_t>(whole.count());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>((ms - whole).count()));
    return text;
}

} // namespace detail

/** Builds a JSON object. It is a text at any time, and converts to std::string_view. */
class object {
public:
    object() : text_("{}") {}

    /**
     * Adds a member: a text, bool, number, nullptr, std::optional, another object, martlet::json, or a range of these;
     * a range of pairs, such as a std::map, becomes an object. A key that is added twice is one that the library
     * refuses.
     */
    template <class T> object &set(std::string_view key, const T &value) {
        open(key);
        detail::write(text_, value);
        text_ += '}';
        return *this;
    }

    template <class T> object &set(std::string_view key, std::initializer_list<T> values) {
        open(key);
        detail::write(text_, values);
        text_ += '}';
        return *this;
    }

    const std::string &text() const noexcept { return text_; }
    operator std::string_view() const noexcept { return text_; }

private:
    void open(std::string_view key) {
        text_.pop_back();
        if (text_.size() > 1) text_ += ',';
        detail::write_string(text_, key);
        text_ += ':';
    }

    std::string text_;
};

} // namespace martlet

#endif
