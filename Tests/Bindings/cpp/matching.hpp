// The format of the shared cases: references to what was saved, and matching.
#ifndef MATCHING_HPP
#define MATCHING_HPP

#include <nlohmann/json.hpp>

#include <regex.h>

#include <algorithm>
#include <stdexcept>
#include <string>

using value = nlohmann::json;

/** Why a case failed. */
struct mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/** What stands at `name.path.0.key`. */
inline value look_up(const std::string &path, const value &saved) {
    value found = saved;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t dot = std::min(path.find('.', at), path.size());
        const std::string key = path.substr(at, dot - at);
        if (found.is_object() && found.contains(key)) found = value(found[key]);
        else if (found.is_array() && std::stoul(key) < found.size()) found = value(found[std::stoul(key)]);
        else throw mismatch("nothing is saved as " + path);
        at = dot + 1;
    }
    return found;
}

/** Replaces each ${name.path} in the strings of a value. */
inline value fill(const value &from, const value &saved) {
    if (from.is_structured()) {
        value filled = from;
        for (value &each : filled) each = fill(each, saved);
        return filled;
    }
    if (!from.is_string()) return from;
    const auto text = from.get<std::string>();
    std::string filled;
    for (std::size_t at = 0;;) {
        const std::size_t start = text.find("${", at);
        if (start == std::string::npos) return filled + text.substr(at);
        const std::size_t end = text.find('}', start);
        const value found = look_up(text.substr(start + 2, end - start - 2), saved);
        if (start == 0 && end + 1 == text.size()) return found;
        filled += text.substr(at, start - at) + (found.is_string() ? found.get<std::string>() : found.dump());
        at = end + 1;
    }
}

/** Whether a POSIX extended expression is found. */
inline bool is_found(const std::string &expression, const std::string &text) {
    regex_t compiled;
    if (regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) throw mismatch("bad expression " + expression);
    const bool is = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return is;
}

inline bool holds(const value &got, const std::string &matcher, const value &argument) {
    if (matcher == "$any") return true;
    if (matcher == "$length") return (got.is_string() ? got.get<std::string>().size() : got.size()) == argument;
    if (!got.is_string()) return false;
    const auto text = got.get<std::string>(), wanted = argument.get<std::string>();
    if (matcher == "$contains") return text.find(wanted) != std::string::npos;
    if (matcher == "$matches") return is_found(wanted, text);
    throw mismatch("unknown matcher " + matcher);
}

/** Throws where a result is not as expected; `at` is where in the result. */
inline void match(const value &got, const value &expected, const std::string &at) {
    const auto differs = [&] { return mismatch(at + " is " + got.dump() + ", not " + expected.dump()); };
    if (expected.is_object() && expected.size() == 1 && expected.begin().key()[0] == '$') {
        if (!holds(got, expected.begin().key(), expected.begin().value())) throw differs();
    } else if (expected.is_object()) {
        if (!got.is_object()) throw differs();
        for (const auto &[key, wanted] : expected.items()) {
            if (!got.contains(key)) throw mismatch(at + " has no " + key);
            match(got[key], wanted, at + "." + key);
        }
    } else if (expected.is_array()) {
        if (!got.is_array() || got.size() != expected.size()) throw differs();
        for (std::size_t i = 0; i < expected.size(); ++i) match(got[i], expected[i], at + "." + std::to_string(i));
    } else if (got != expected) {
        throw differs();
    }
}

#endif
