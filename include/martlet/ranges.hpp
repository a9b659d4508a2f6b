/** Ranges: listings that are read a page at a time, and outcomes as they come. Part of martlet.hpp. */

#ifndef MARTLET_RANGES_HPP
#define MARTLET_RANGES_HPP

#include "error.hpp"
#include "json.hpp"
#include "outcome.hpp"

#include <martlet.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace martlet {

/**
 * The documents of a listing, which is read a page at a time: for (const document &each : engine.deliveries()). It is
 * gone through once. With martlet::nothrow an error ends it early: look at error() behind the loop.
 */
template <class Errors> class listing {
    using function = std::int32_t (*)(martlet_engine_t, const char *, std::size_t, char **, std::size_t *, char *,
                                      std::size_t);

public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = document;
        using difference_type = std::ptrdiff_t;
        using pointer = const document *;
        using reference = const document &;

        iterator() = default;
        reference operator*() const { return listing_->current_; }
        pointer operator->() const { return &listing_->current_; }
        iterator &operator++() {
            if (!listing_->next()) listing_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(const iterator &other) const noexcept { return listing_ == other.listing_; }
        bool operator!=(const iterator &other) const noexcept { return listing_ != other.listing_; }

    private:
        friend class listing;
        explicit iterator(listing *from) : listing_(from) {}
        listing *listing_ = nullptr;
    };

    /** member: the key of the array in a page; it outlives the listing. */
    listing(martlet_engine_t engine, function read, std::string_view member, std::string_view asked)
        : engine_(engine), read_(read), member_(member), query_(asked) {}
    listing(const listing &) = delete;
    listing &operator=(const listing &) = delete;

    iterator begin() { return next() ? iterator(this) : iterator(); }
    iterator end() { return {}; }

    /** Why it ended early. */
    const std::optional<martlet::error> &error() const noexcept { return error_; }

private:
    /** Goes to the next document, and to the next page where there is none left in this one. */
    bool next() {
        std::string_view value;
        while (!detail::next_value(values_, at_, value)) {
            if (is_last_ || error_ || !read_page()) return false;
        }
        current_ = document(std::string(value));
        return true;
    }

    bool read_page() {
        std::string asked = query_;
        if (!cursor_.empty()) {
            // A query that gave a page is an object, or nothing at all.
            const bool has_keys = asked.find(':') != std::string::npos;
            if (asked.empty()) asked = "{}";
            asked.resize(asked.rfind('}'));
            asked += (has_keys ? ",\"cursor\":" : "\"cursor\":") + cursor_ + "}";
        }
        detail::text text;
        detail::message message;
        const std::int32_t code =
            read_(engine_, asked.data(), asked.size(), &text.bytes, &text.length, message.text, sizeof message.text);
        if (code != MARTLET_OK) {
            error_.emplace(static_cast<status>(code), message.text);
            static_cast<void>(Errors::template fail<void>(*error_)); // throws, or stays in error()
            return false;
        }
        page_ = document(text.string());
        values_ = page_.member(member_);
        at_ = 0;
        cursor_ = page_.member("cursor");
        is_last_ = cursor_.empty() || cursor_ == "null";
        return true;
    }

    martlet_engine_t engine_;
    function read_;
    std::string_view member_;
    std::string query_;
    std::string cursor_; // as JSON
    document page_;
    std::string_view values_; // of the page
    std::size_t at_ = 0;
    bool is_last_ = false;
    document current_;
    std::optional<martlet::error> error_;
};

/**
 * Outcomes as they come, for (const outcome &each : engine.outcomes(time)). It ends when none came for so long. With
 * martlet::nothrow an error ends it too: look at error() behind the loop.
 */
template <class Engine> class outcome_range {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = outcome;
        using difference_type = std::ptrdiff_t;
        using pointer = const outcome *;
        using reference = const outcome &;

        iterator() = default;
        reference operator*() const { return range_->batch_[range_->at_]; }
        pointer operator->() const { return &**this; }
        iterator &operator++() {
            if (!range_->next()) range_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(const iterator &other) const noexcept { return range_ == other.range_; }
        bool operator!=(const iterator &other) const noexcept { return range_ != other.range_; }

    private:
        friend class outcome_range;
        explicit iterator(outcome_range *from) : range_(from) {}
        outcome_range *range_ = nullptr;
    };

    outcome_range(Engine engine, std::chrono::milliseconds timeout) : engine_(engine), timeout_(timeout), batch_(256) {}
    outcome_range(const outcome_range &) = delete;
    outcome_range &operator=(const outcome_range &) = delete;

    iterator begin() { return next() ? iterator(this) : iterator(); }
    iterator end() { return {}; }

    /** Why it ended early. */
    const std::optional<martlet::error> &error() const noexcept { return error_; }

private:
    bool next() {
        if (++at_ < count_) return true;
        at_ = 0;
        count_ = engine_.wait(batch_.data(), batch_.size(), timeout_, error_);
        return count_ != 0;
    }

    Engine engine_;
    std::chrono::milliseconds timeout_;
    std::vector<outcome> batch_;
    std::size_t at_ = 0;
    std::size_t count_ = 0;
    std::optional<martlet::error> error_;
};

} // namespace martlet

#endif
