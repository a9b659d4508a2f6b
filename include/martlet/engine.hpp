/** The engine. Part of martlet.hpp. */

#ifndef MARTLET_ENGINE_HPP
#define MARTLET_ENGINE_HPP

#include "builders.hpp"
#include "error.hpp"
#include "json.hpp"
#include "log.hpp"
#include "outcome.hpp"
#include "ranges.hpp"

#include <martlet.h>

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <forward_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace martlet {

/** An id that the library made: a text that needs no allocation. */
class id {
public:
    id() noexcept { text_[0] = 0; }

    std::string str() const { return text_; }
    const char *c_str() const noexcept { return text_; }
    operator std::string_view() const noexcept { return text_; }
    char *data() noexcept { return text_; }

private:
    char text_[MARTLET_ID_SIZE];
};

/** What became of an event with fields of its own. */
struct receipt {
    /** Its own id, or the one it was given. */
    id event;
    /** Its own id was accepted before, within the time that `deduplication` names. */
    bool is_duplicate = false;
};

/** How many events a push of many has accepted, and how many were duplicates, which are not counted as accepted. */
struct pushed {
    std::size_t accepted = 0;
    std::size_t duplicates = 0;
};

/**
 * The functions of an engine that something else owns: a handle that may be copied, and used by any thread also while
 * the owner closes the engine, which makes them fail with status::closed. `Errors` is how errors are told, see
 * engine_ref.
 *
 * An answer<T> is T, or result<T> in martlet::nothrow.
 */
template <class Errors> class basic_engine_ref {
public:
    template <class T> using answer = typename Errors::template answer<T>;

    basic_engine_ref() = default;
    explicit basic_engine_ref(martlet_engine_t handle) noexcept : handle_(handle) {}

    /** For functions of martlet.h that have none here. It stays the engine's. */
    martlet_engine_t handle() const noexcept { return handle_; }

    /** The same engine, with errors in results. */
    basic_engine_ref<detail::returning> nothrow() const noexcept {
        return basic_engine_ref<detail::returning>(handle_);
    }

    /** Waits until every accepted event is settled: true, or false when the time is over first; the work goes on. */
    answer<bool> flush(std::chrono::milliseconds timeout) const {
        return unless_timed_out(martlet_engine_flush(handle_, timeout.count()));
    }

    /**
     * Closes the engine: refuses new events at once, gives the accepted ones some time, then cancels those that are
     * left: true, or false when there were some. Outcomes, the log, webhooks and statistics can still be read.
     */
    answer<bool> close(std::chrono::milliseconds timeout) const {
        return unless_timed_out(martlet_engine_close(handle_, timeout.count()));
    }

    /** Counters and gauges. */
    answer<document> stats() const { return read(martlet_engine_stats_json); }

    /** The same in the Prometheus text format, version 0.0.4. */
    answer<std::string> metrics() const {
        detail::text text;
        const std::int32_t code = martlet_engine_metrics_text(handle_, &text.bytes, &text.length);
        return detail::finish<Errors>(code, detail::message(), text.string());
    }

    /** The event types that can be pushed. */
    answer<document> event_types() const { return read(martlet_engine_event_types_json); }

    /** Adds an event type: a document with `name`, and optionally `title`, `description` and `sample`. */
    answer<void> add_event_type(std::string_view type) const {
        detail::message message;
        const std::int32_t code =
            martlet_event_type_add(handle_, type.data(), type.size(), message.text, sizeof message.text);
        return detail::finish<Errors>(code, message);
    }

    /* Webhooks */

    /** Registers a webhook, see martlet::webhook: events pushed after the return see it. */
    answer<document> create_webhook(std::string_view webhook) const { return call(martlet_webhook_create, webhook); }

    /** Changes the keys that the document has, the others stay; null puts a default back. */
    answer<document> update_webhook(std::string_view id, std::string_view change) const {
        return call(martlet_webhook_update, id, change);
    }

    /** Says what create_webhook() would say, or update_webhook() where there is an id, and changes nothing. */
    answer<void> check_webhook(std::string_view webhook, std::string_view id = {}) const {
        detail::message message;
        const std::int32_t code = martlet_webhook_check(handle_, id.data(), id.size(), webhook.data(), webhook.size(),
                                                        message.text, sizeof message.text);
        return detail::finish<Errors>(code, message);
    }

    answer<document> get_webhook(std::string_view id) const { return call(martlet_webhook_get, id); }

    /** All webhooks in the order of their creation; query: `limit` for the size of a page. */
    listing<Errors> webhooks(std::string_view query = {}) const {
        return listing<Errors>(handle_, martlet_webhook_list, "webhooks", query);
    }

    /** Deletes a webhook and cancels its deliveries. After the return no attempt for it starts. */
    answer<void> delete_webhook(std::string_view id) const { return act(martlet_webhook_delete, id); }
    answer<void> enable_webhook(std::string_view id) const { return set_enabled(id, 1); }
    /** New events pass it by and what is pending waits. After the return no attempt for it starts. */
    answer<void> disable_webhook(std::string_view id) const { return set_enabled(id, 0); }

    /** The signing secrets that are live, the current one first. Keep them out of logs. */
    answer<document> webhook_secrets(std::string_view id) const { return call(martlet_webhook_secrets, id); }

    /** Makes a new secret the current one; options: `secret` and `overlapSeconds`. Gives those that are live. */
    answer<document> rotate_secret(std::string_view id, std::string_view options = {}) const {
        return call(martlet_webhook_rotate_secret, id, options);
    }

    /** Sends a test to a webhook now; request: `eventType` and optionally `data`. Gives `eventId` and `deliveryId`. */
    answer<document> test_webhook(std::string_view id, std::string_view request) const {
        return call(martlet_webhook_test, id, request);
    }

    /* Events */

    /**
     * Pushes one event, the quick way in: checks it, matches it and queues a delivery for each webhook that wants it.
     * It waits for nothing.
     *
     * data: one JSON value, ready as text or in a builder; its bytes reach the receivers untouched.
     *
     * tag: comes back with the outcomes.
     *
     * Errors: queue_full, push again when outcomes have arrived; unknown_event_type; invalid_json; too_large; closed.
     */
    answer<id> push(std::string_view type, std::string_view data, std::uint64_t tag = 0) const {
        detail::message message;
        id made;
        const std::int32_t code = martlet_push(handle_, type.data(), type.size(), data.data(), data.size(), tag,
                                               made.data(), message.text, sizeof message.text);
        return detail::finish<Errors>(code, message, made);
    }

    /** Pushes an event with fields of its own. A duplicate delivers nothing again, and is no error. */
    answer<receipt> push(const event &whole) const {
        std::string line;
        append(line, whole);
        detail::message message;
        receipt made;
        std::int32_t duplicate = 0;
        const std::int32_t code = martlet_push_event(handle_, line.data(), line.size(), made.event.data(), &duplicate,
                                                     message.text, sizeof message.text);
        made.is_duplicate = duplicate != 0;
        return detail::finish<Errors>(code, message, made);
    }

    /** Pushes a range of martlet::event with one call of the library, otherwise as push_json(). */
    template <class Events> answer<pushed> push_many(const Events &events, pushed *counts = nullptr) const {
        std::size_t size = 0;
        for (const event &each : events) size += each.text().size() + 1;
        std::string lines;
        lines.reserve(size);
        for (const event &each : events) append(lines, each);
        return push_json(lines, counts);
    }

    /**
     * Pushes events that are JSON documents, one a line. The first one that is refused ends the call, and the error
     * names its line: what stood before it is accepted.
     *
     * counts: receives how many that are, also with an error.
     */
    answer<pushed> push_json(std::string_view lines, pushed *counts = nullptr) const {
        detail::message message;
        pushed got;
        const std::int32_t code = martlet_push_json(handle_, lines.data(), lines.size(), &got.accepted, &got.duplicates,
                                                    message.text, sizeof message.text);
        if (counts != nullptr) *counts = got;
        return detail::finish<Errors>(code, message, got);
    }

    /* Outcomes */

    /** A descriptor that is readable while outcomes wait, for an event loop. Never read or close it. */
    answer<int> outcomes_fd() const {
        std::int32_t fd = -1;
        const std::int32_t code = martlet_outcomes_fd(handle_, &fd);
        return detail::finish<Errors>(code, detail::message(), static_cast<int>(fd));
    }

    /** Takes outcomes that wait, as many as there is room for, and tells how many. Never blocks. */
    answer<std::size_t> poll(outcome *outcomes, std::size_t room) const {
        std::size_t count = 0;
        const std::int32_t code = poll(outcomes, room, count);
        return detail::finish<Errors>(code, detail::message(), count);
    }

    /** The same, but waits for the first one; 0 when the time is over. */
    answer<std::size_t> wait(outcome *outcomes, std::size_t room, std::chrono::milliseconds timeout) const {
        std::size_t count = 0;
        const std::int32_t code = wait(outcomes, room, timeout, count);
        return detail::finish<Errors>(code, detail::message(), count);
    }

    /** Outcomes as they come, until none comes for so long. With no time at all: those that wait. */
    outcome_range<basic_engine_ref> outcomes(std::chrono::milliseconds timeout) const {
        return outcome_range<basic_engine_ref>(*this, timeout);
    }

    /* Deliveries */

    /** The deliveries that match a query, the newest first, see martlet::query. */
    listing<Errors> deliveries(std::string_view query = {}) const {
        return listing<Errors>(handle_, martlet_deliveries, "deliveries", query);
    }

    /** One delivery with its attempts and its payload. */
    answer<document> get_delivery(std::string_view id) const { return call(martlet_delivery_get, id); }

    /** Sends the event of a settled delivery once more, and gives the id of the new delivery. */
    answer<id> redeliver(std::string_view delivery) const {
        detail::message message;
        id made;
        const std::int32_t code = martlet_redeliver(handle_, delivery.data(), delivery.size(), made.data(),
                                                    message.text, sizeof message.text);
        return detail::finish<Errors>(code, message, made);
    }

    /** Redelivers all that match a query, by default those that failed, spread over time. Gives `replayed` and more. */
    answer<document> replay(std::string_view query = {}) const { return call(martlet_replay, query); }

    answer<void> cancel_delivery(std::string_view id) const { return act(martlet_delivery_cancel, id); }

    /** Cancels all that match a query and are not settled, and tells how many. */
    answer<std::size_t> cancel_deliveries(std::string_view query = {}) const {
        detail::message message;
        std::size_t count = 0;
        const std::int32_t code = martlet_deliveries_cancel(handle_, query.data(), query.size(), &count, message.text,
                                                            sizeof message.text);
        return detail::finish<Errors>(code, message, count);
    }

    /* Log */

    /**
     * Keeps messages for poll_log(), and gives a descriptor that is readable while some wait, for an event loop. Never
     * read or close it. A handler is set by the owner, with on_log().
     */
    answer<int> log_fd(log_level level) const {
        std::int32_t fd = -1;
        const std::int32_t code = martlet_log_fd(handle_, static_cast<std::int32_t>(level), &fd);
        return detail::finish<Errors>(code, detail::message(), static_cast<int>(fd));
    }

    /** Takes the messages that wait: `messages` with `level`, `time` and `text`; `dropped`; `ended`. Never blocks. */
    answer<document> poll_log() const { return read(martlet_log_poll); }

protected:
    martlet_engine_t handle_ = nullptr;

private:
    friend class outcome_range<basic_engine_ref>;

    static answer<bool> unless_timed_out(std::int32_t code) {
        const bool is_in_time = code != MARTLET_ERROR_TIMED_OUT;
        return detail::finish<Errors>(is_in_time ? code : MARTLET_OK, detail::message(), is_in_time);
    }

    answer<document> read(std::int32_t (*function)(martlet_engine_t, char **, std::size_t *)) const {
        detail::text text;
        const std::int32_t code = function(handle_, &text.bytes, &text.length);
        return detail::finish<Errors>(code, detail::message(), document(text.string()));
    }

    /** Calls a function that takes texts and gives a document. */
    template <class Function, class... Texts> answer<document> call(Function function, const Texts &...texts) const {
        detail::text text;
        detail::message message;
        const std::int32_t code = with_lengths(
            [&](auto... flat) {
                return function(handle_, flat..., &text.bytes, &text.length, message.text, sizeof message.text);
            },
            texts...);
        return detail::finish<Errors>(code, message, document(text.string()));
    }

    template <class Body> static std::int32_t with_lengths(Body body, std::string_view a) {
        return body(a.data(), a.size());
    }
    template <class Body> static std::int32_t with_lengths(Body body, std::string_view a, std::string_view b) {
        return body(a.data(), a.size(), b.data(), b.size());
    }

    answer<void> act(std::int32_t (*function)(martlet_engine_t, const char *, std::size_t, char *, std::size_t),
                     std::string_view id) const {
        detail::message message;
        const std::int32_t code = function(handle_, id.data(), id.size(), message.text, sizeof message.text);
        return detail::finish<Errors>(code, message);
    }

    answer<void> set_enabled(std::string_view id, std::int32_t enabled) const {
        detail::message message;
        const std::int32_t code =
            martlet_webhook_set_enabled(handle_, id.data(), id.size(), enabled, message.text, sizeof message.text);
        return detail::finish<Errors>(code, message);
    }

    /** A line break would end the document: a tab is a blank as well, and as wrong within a string. */
    static void append(std::string &lines, const event &whole) {
        const std::size_t start = lines.size();
        lines += whole.text();
        for (std::size_t at = start; (at = lines.find('\n', at)) != std::string::npos;) lines[at] = '\t';
        lines += '\n';
    }

    std::int32_t poll(outcome *outcomes, std::size_t room, std::size_t &count) const {
        if (room == 0) return MARTLET_OK;
        return martlet_outcomes_poll(handle_, &outcomes->record(), sizeof(outcome), room, &count);
    }

    std::int32_t wait(outcome *outcomes, std::size_t room, std::chrono::milliseconds timeout,
                      std::size_t &count) const {
        using clock = std::chrono::steady_clock;
        const auto begun = clock::now();
        for (;;) {
            std::int32_t code = poll(outcomes, room, count);
            if (code != MARTLET_OK || count != 0 || room == 0) return code;
            struct pollfd waiting = {-1, POLLIN, 0};
            code = martlet_outcomes_fd(handle_, &waiting.fd);
            if (code != MARTLET_OK) return code;
            const auto left = timeout - std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun);
            if (left.count() <= 0) return MARTLET_OK;
            // Longer than an int of milliseconds holds is waited for in parts.
            const auto part = left.count() < std::numeric_limits<int>::max() ? static_cast<int>(left.count())
                                                                             : std::numeric_limits<int>::max();
            if (::poll(&waiting, 1, part) < 0 && errno != EINTR) return MARTLET_ERROR_OUT_OF_RESOURCES;
        }
    }

    /** For the range: an error is told as Errors does, and kept. */
    std::size_t wait(outcome *outcomes, std::size_t room, std::chrono::milliseconds timeout,
                     std::optional<martlet::error> &failed) const {
        std::size_t count = 0;
        const std::int32_t code = wait(outcomes, room, timeout, count);
        if (code == MARTLET_OK) return count;
        failed.emplace(static_cast<status>(code), std::string_view());
        static_cast<void>(Errors::template fail<void>(*failed));
        return 0;
    }
};

/**
 * Owns an engine, and ends it at once when it is destroyed: events that are not settled are canceled. To let them
 * finish, close() before. It can be moved and not copied.
 */
template <class Errors> class basic_engine : public basic_engine_ref<Errors> {
public:
    template <class T> using answer = typename Errors::template answer<T>;

    /** Owns nothing yet: all functions fail. */
    basic_engine() = default;

    /** Opens an engine as open() does. A constructor has no result, so martlet::nothrow has open() alone. */
    template <class E = Errors, class = std::enable_if_t<std::is_same_v<E, detail::throwing>>>
    explicit basic_engine(std::string_view configuration) : basic_engine(open(configuration)) {}

    /**
     * Opens an engine, see martlet::configuration.
     *
     * Errors: invalid_document for an unknown key or a value outside its range, which the text names; in_use, storage
     * and storage_full about the data directory; out_of_resources.
     */
    static answer<basic_engine> open(std::string_view configuration) {
        constexpr std::string_view binding = "martlet-cpp/" MARTLET_VERSION;
        detail::message message;
        basic_engine engine;
        std::int32_t code = MARTLET_ERROR_WRONG_STATE;
        const std::uint32_t loaded = martlet_version_number();
        if (loaded >> 16 == MARTLET_VERSION_NUMBER >> 16 && loaded >= MARTLET_VERSION_NUMBER) {
            code = martlet_engine_open_as(binding.data(), binding.size(), configuration.data(), configuration.size(),
                                          &engine.handle_, message.text, sizeof message.text);
        } else {
            std::snprintf(message.text, sizeof message.text,
                          "the loaded libmartlet is version %s, which does not do for a program made for %s",
                          martlet_version(), MARTLET_VERSION);
        }
        return detail::finish<Errors>(code, message, std::move(engine));
    }

    /** Takes over a handle of martlet_engine_open(). */
    explicit basic_engine(martlet_engine_t handle) noexcept : basic_engine_ref<Errors>(handle) {}

    basic_engine(basic_engine &&other) noexcept
        : basic_engine_ref<Errors>(std::exchange(other.handle_, nullptr)), handlers_(std::move(other.handlers_)) {}
    basic_engine &operator=(basic_engine &&other) noexcept {
        if (this == &other) return *this;
        martlet_engine_free(std::exchange(this->handle_, std::exchange(other.handle_, nullptr)));
        handlers_ = std::move(other.handlers_);
        return *this;
    }
    ~basic_engine() { martlet_engine_free(this->handle_); }

    /**
     * Gives the handle up, to be freed with martlet_engine_free(). Where on_log() was called, this object must outlive
     * that.
     */
    martlet_engine_t release() noexcept { return std::exchange(this->handle_, nullptr); }

    /**
     * Has the handler called for each message as urgent as the level, or more; an empty one for nobody, which is how an
     * engine starts. For an event loop see log_fd().
     */
    answer<void> on_log(log_level level, log_handler handler) {
        const auto number = static_cast<std::int32_t>(level);
        if (!handler) {
            return detail::finish<Errors>(martlet_set_log(this->handle_, number, nullptr, nullptr), detail::message());
        }
        // Those that were replaced stay until the engine is gone: a message may be under way to them.
        handlers_.push_front(std::move(handler));
        return detail::finish<Errors>(martlet_set_log(this->handle_, number, detail::hear, &handlers_.front()),
                                      detail::message());
    }

    /** The functions without the ownership, to hand to others. */
    basic_engine_ref<Errors> ref() const noexcept { return *this; }

private:
    // Its nodes stay where they are when it is moved.
    std::forward_list<log_handler> handlers_;
};

} // namespace martlet

#endif
