/** Builders for the documents that the library takes. Part of martlet.hpp. */

#ifndef MARTLET_BUILDERS_HPP
#define MARTLET_BUILDERS_HPP

#include "json.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet {

namespace detail {

using texts = std::initializer_list<std::string_view>;
using pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;
using seconds = std::chrono::duration<double>;

/** An object whose functions give back the builder, so that calls can be strung together. */
template <class Builder> class builder : public object {
public:
    /** Adds any key, also one that this header has no function for. */
    template <class T> Builder &set(std::string_view key, const T &value) {
        object::set(key, value);
        return static_cast<Builder &>(*this);
    }

    template <class T> Builder &set(std::string_view key, std::initializer_list<T> values) {
        object::set(key, values);
        return static_cast<Builder &>(*this);
    }

protected:
    builder() = default;

    Builder &set_ms(std::string_view key, std::chrono::milliseconds time) { return set(key, time.count()); }
    Builder &set_seconds(std::string_view key, seconds time) { return set(key, time.count()); }
    Builder &set_time(std::string_view key, std::chrono::system_clock::time_point time) {
        return set(key, rfc3339(time));
    }
};

/** How deliveries are made: for an engine, and overridden for a webhook. See the configuration reference. */
template <class Builder> class policy : public builder<Builder> {
public:
    /** The deadline of one attempt. */
    Builder &timeout(std::chrono::milliseconds time) { return this->set_ms("timeoutMs", time); }
    Builder &connect_timeout(std::chrono::milliseconds time) { return this->set_ms("connectTimeoutMs", time); }
    /** How long after its push an event may still be sent; 0 for ever. */
    Builder &expiry(seconds time) { return this->set_seconds("expirySeconds", time); }
    Builder &adaptive_concurrency(bool on) { return this->set("adaptiveConcurrency", on); }
    Builder &rate_limit(double per_second, int burst = 10) {
        return this->set("rateLimit", object().set("perSecond", per_second).set("burst", burst));
    }
    /** The waits before each retry; none for a single attempt. For jitter and more use set(). */
    Builder &retry(std::initializer_list<seconds> delays) { return this->retry(std::vector<seconds>(delays)); }
    Builder &retry(const std::vector<seconds> &delays) {
        std::vector<double> numbers;
        for (const seconds delay : delays) numbers.push_back(delay.count());
        return this->set("retry", object().set("delaysSeconds", numbers));
    }
    /** "none", "key" or "strict". */
    Builder &ordering(std::string_view mode) { return this->set("ordering", mode); }
    /** How long nothing but failures disables a webhook; 0 for never. */
    Builder &disable_after(seconds time) { return this->set_seconds("disableAfterSeconds", time); }
    /** "subverse", "standard" or "raw". */
    Builder &payload_format(std::string_view format) { return this->set("payloadFormat", format); }
};

} // namespace detail

/** Builds an engine's configuration. */
class configuration : public detail::policy<configuration> {
public:
    /** Where what was accepted is kept; without it in memory. */
    configuration &data_directory(std::string_view path) { return set("dataDirectory", path); }
    /** When accepted events reach the disk: "always", before a push returns; "interval", the default; "os". */
    configuration &sync(std::string_view when) { return set("sync", when); }
    /** "production", or "development", which also accepts http and receivers on this machine. */
    configuration &environment(std::string_view name) { return set("environment", name); }
    configuration &allowed_networks(detail::texts networks) { return set("allowedNetworks", networks); }
    /** What is reported when it is settled: "off", "events", "deliveries" or "all". */
    configuration &outcomes(std::string_view which) { return set("outcomes", which); }
    configuration &queue(std::uint64_t max_events, std::uint64_t max_bytes) {
        return set("queue", object().set("maxEvents", max_events).set("maxBytes", max_bytes));
    }
    configuration &lanes(int count) { return set("lanes", count); }
    configuration &max_in_flight(int count) { return set("maxInFlight", count); }
    configuration &event_types(detail::texts types) { return set("eventTypes", types); }
    configuration &user_agent(std::string_view text) { return set("userAgent", text); }
};

/** Builds a webhook: who wants which events. */
class webhook : public detail::policy<webhook> {
public:
    webhook(std::string_view url, detail::texts events) { set("url", url).set("events", events); }
    template <class Range> webhook(std::string_view url, const Range &events) { set("url", url).set("events", events); }

    webhook &tenant(std::string_view name) { return set("tenant", name); }
    /** Chooses by data.agentId of call events. */
    webhook &agents(detail::texts ids) { return set("agents", ids); }
    /** Chooses by data.workflowId of workflow events. */
    webhook &workflows(detail::texts ids) { return set("workflows", ids); }
    /** Conditions on the event's data: an object(), or martlet::json{...}. */
    template <class T> webhook &filter(const T &conditions) { return set("filter", conditions); }
    webhook &headers(detail::pairs fields) { return set("headers", fields); }
    webhook &metadata(detail::pairs facts) { return set("metadata", facts); }
    webhook &description(std::string_view text) { return set("description", text); }
    webhook &enabled(bool is) { return set("enabled", is); }
    /** `whsec_` and base64; without one it is made. */
    webhook &secret(std::string_view text) { return set("secret", text); }
    webhook &max_in_flight(int count) { return set("maxInFlight", count); }
    webhook &max_pending(int count) { return set("maxPending", count); }
};

/** Builds an event with fields of its own, for engine::push_many(). */
class event : public detail::builder<event> {
public:
    event(std::string_view type, const object &data) { set("eventType", type).set("data", data); }
    /** Ready JSON reaches the receivers as it is, but for line breaks, which become blanks. */
    event(std::string_view type, json data) { set("eventType", type).set("data", data); }

    /** An id of your own: an event pushed again under it is a duplicate. */
    event &id(std::string_view text) { return set("id", text); }
    /** When it happened; without it now. */
    event &created_at(std::chrono::system_clock::time_point time) { return set_time("createdAt", time); }
    /** Comes back with the outcomes. */
    event &tag(std::uint64_t number) { return set("tag", number); }
    event &tenant(std::string_view name) { return set("tenant", name); }
    /** Webhooks with ordering by key get events with the same key one after the other. */
    event &key(std::string_view text) { return set("key", text); }
    event &expires_in(detail::seconds time) { return set_seconds("expirySeconds", time); }
    event &headers(detail::pairs fields) { return set("headers", fields); }
};

/** Builds a query about deliveries. */
class query : public detail::builder<query> {
public:
    /** "pending", "inFlight", "undelivered", "succeeded", "failed", "expired", "canceled" or "any". */
    query &state(std::string_view name) { return set("state", name); }
    query &webhook_id(std::string_view id) { return set("webhookId", id); }
    query &event_id(std::string_view id) { return set("eventId", id); }
    query &event_type(std::string_view type) { return set("eventType", type); }
    query &created_after(std::chrono::system_clock::time_point time) { return set_time("createdAfter", time); }
    query &created_before(std::chrono::system_clock::time_point time) { return set_time("createdBefore", time); }
    /** The size of a page. */
    query &limit(int count) { return set("limit", count); }
    /** Of a replay: deliveries a second to each webhook. */
    query &per_second(double count) { return set("perSecond", count); }
};

} // namespace martlet

#endif
