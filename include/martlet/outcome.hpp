/** Outcomes: what became of a delivery or an event. Part of martlet.hpp. */

#ifndef MARTLET_OUTCOME_HPP
#define MARTLET_OUTCOME_HPP

#include <martlet.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace martlet {

/** What an outcome speaks of. Skip one that you do not know. */
enum class outcome_kind : std::int32_t {
    delivery = MARTLET_OUTCOME_DELIVERY,
    event = MARTLET_OUTCOME_EVENT,
    webhook_disabled = MARTLET_OUTCOME_WEBHOOK_DISABLED,
};

/** How a delivery or event ended; 0 for a notice. */
enum class state : std::int32_t {
    succeeded = MARTLET_STATE_SUCCEEDED,
    failed = MARTLET_STATE_FAILED,
    expired = MARTLET_STATE_EXPIRED,
    canceled = MARTLET_STATE_CANCELED,
};

/** Why the last attempt failed. */
enum class failure : std::int32_t {
    none = MARTLET_FAILURE_NONE,
    dns = MARTLET_FAILURE_DNS,
    address_refused = MARTLET_FAILURE_ADDRESS_REFUSED,
    connect = MARTLET_FAILURE_CONNECT,
    tls = MARTLET_FAILURE_TLS,
    certificate = MARTLET_FAILURE_CERTIFICATE,
    timeout = MARTLET_FAILURE_TIMEOUT,
    connection_lost = MARTLET_FAILURE_CONNECTION_LOST,
    bad_response = MARTLET_FAILURE_BAD_RESPONSE,
    http_status = MARTLET_FAILURE_HTTP_STATUS,
    local = MARTLET_FAILURE_LOCAL,
    circuit_open = MARTLET_FAILURE_CIRCUIT_OPEN,
    backlog_full = MARTLET_FAILURE_BACKLOG_FULL,
};

/** Why a webhook was disabled; 0 where none was. */
enum class disabled_reason : std::uint32_t {
    gone = MARTLET_DISABLED_GONE,
    receiver_asked = MARTLET_DISABLED_RECEIVER_ASKED,
    failing = MARTLET_DISABLED_FAILING,
};

/** "delivery", "event" or "webhookDisabled"; "unknown" for another number. */
inline const char *name(outcome_kind kind) noexcept {
    switch (kind) {
    case outcome_kind::delivery: return "delivery";
    case outcome_kind::event: return "event";
    case outcome_kind::webhook_disabled: return "webhookDisabled";
    }
    return "unknown";
}

/** "succeeded", "failed", "expired" or "canceled"; "none" for another number. */
inline const char *name(state end) noexcept {
    switch (end) {
    case state::succeeded: return "succeeded";
    case state::failed: return "failed";
    case state::expired: return "expired";
    case state::canceled: return "canceled";
    }
    return "none";
}

/** The name in camel case, such as "httpStatus"; "unknown" for another number. */
inline const char *name(failure cause) noexcept {
    switch (cause) {
    case failure::none: return "none";
    case failure::dns: return "dns";
    case failure::address_refused: return "addressRefused";
    case failure::connect: return "connect";
    case failure::tls: return "tls";
    case failure::certificate: return "certificate";
    case failure::timeout: return "timeout";
    case failure::connection_lost: return "connectionLost";
    case failure::bad_response: return "badResponse";
    case failure::http_status: return "httpStatus";
    case failure::local: return "local";
    case failure::circuit_open: return "circuitOpen";
    case failure::backlog_full: return "backlogFull";
    }
    return "unknown";
}

/** What became of a delivery or an event. The texts are valid as long as the outcome. */
class outcome : private martlet_outcome_t {
public:
    using time_point = std::chrono::system_clock::time_point;

    outcome() noexcept : martlet_outcome_t() {}

    outcome_kind kind() const noexcept { return static_cast<outcome_kind>(record().kind); }
    martlet::state state() const noexcept { return static_cast<martlet::state>(record().state); }
    martlet::failure failure() const noexcept { return static_cast<martlet::failure>(record().failure); }
    bool succeeded() const noexcept { return state() == martlet::state::succeeded; }
    /** The number given at the push. */
    std::uint64_t tag() const noexcept { return record().tag; }
    time_point settled_at() const noexcept { return time(record().settled_at_ms); }
    /** 0 for an event, as the HTTP status is, which is 0 also without an answer. */
    std::uint32_t attempts() const noexcept { return record().attempts; }
    std::uint32_t http_status() const noexcept { return record().http_status; }
    /** Of an event: how many deliveries it had, and how many of them succeeded. */
    std::uint32_t deliveries() const noexcept { return record().deliveries; }
    std::uint32_t deliveries_succeeded() const noexcept { return record().succeeded; }
    std::string_view event_id() const noexcept { return record().event_id; }
    /** These two are empty for an event. */
    std::string_view delivery_id() const noexcept { return record().delivery_id; }
    std::string_view webhook_id() const noexcept { return record().webhook_id; }
    /** Of a notice that a webhook was disabled: why, and since when it failed. */
    disabled_reason reason() const noexcept { return static_cast<disabled_reason>(record().reason); }
    std::optional<time_point> failing_since() const noexcept {
        if (record().failing_since_ms == 0) return std::nullopt;
        return time(record().failing_since_ms);
    }

    /** The record of the C interface. */
    const martlet_outcome_t &record() const noexcept { return *this; }
    martlet_outcome_t &record() noexcept { return *this; }

private:
    static time_point time(std::int64_t ms) noexcept { return time_point(std::chrono::milliseconds(ms)); }
};

// The library fills an array of outcomes with their size as the stride.
static_assert(sizeof(outcome) == sizeof(martlet_outcome_t), "an outcome is its record and no more");

} // namespace martlet

#endif
