#ifndef MARTLET_TYPES_H
#define MARTLET_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* ---------------------------------------------------------------------------------------------------------------- *
 * Version
 * ---------------------------------------------------------------------------------------------------------------- */

/** The version of this header. martlet_version_number() tells that of the library that was loaded. */
#define MARTLET_VERSION_MAJOR 0
#define MARTLET_VERSION_MINOR 1
#define MARTLET_VERSION_PATCH 0

/** The version as text, "0.1.0". */
#define MARTLET_VERSION "0.1.0"

/** The version as one number that grows, 0x00MMmmpp: 0x00000100 is 0.1.0. */
#define MARTLET_VERSION_NUMBER 0x00000100

/* ---------------------------------------------------------------------------------------------------------------- *
 * Handles and sizes
 * ---------------------------------------------------------------------------------------------------------------- */

/**
 * An engine. The value is a number in disguise, never an address: do not look into it. It may be copied and used by any
 * thread. The library knows which handles are alive, so that a null, foreign, closed or freed one gives an error code.
 */
typedef struct martlet_engine *martlet_engine_t;

/** Bytes for an id with its NUL, as martlet_push() and martlet_redeliver() write it. */
#define MARTLET_ID_SIZE 72

/** Bytes for the signatures of five secrets with their NUL, as martlet_sign() writes them. */
#define MARTLET_SIGNATURE_SIZE 256

/** Bytes that hold every error text without a cut in practice; any other size works, the text is cut to fit. */
#define MARTLET_ERROR_SIZE 512

/* ---------------------------------------------------------------------------------------------------------------- *
 * Status codes: what functions return. 0 is success, errors are below zero. A code keeps its meaning for ever; new ones
 * may be added, so treat an unknown one like MARTLET_ERROR_INTERNAL. martlet_status_at() lists them.
 * ---------------------------------------------------------------------------------------------------------------- */

/** Done. */
#define MARTLET_OK 0
/** A null pointer, a wrong length, bad UTF-8, a value outside its range, or a handle that never was one. */
#define MARTLET_ERROR_INVALID_ARGUMENT (-1)
/** Bytes that should be JSON are not (RFC 8259), or nest too deep. */
#define MARTLET_ERROR_INVALID_JSON (-2)
/** A document has an unknown key, a wrong type or a value that is not accepted; the error text names the key. */
#define MARTLET_ERROR_INVALID_DOCUMENT (-3)
/** There is no webhook or delivery with this id. */
#define MARTLET_ERROR_NOT_FOUND (-4)
/** The event type is neither built in nor configured. */
#define MARTLET_ERROR_UNKNOWN_EVENT_TYPE (-5)
/** The queue holds as many events or bytes as configured: push again when outcomes arrive. */
#define MARTLET_ERROR_QUEUE_FULL (-6)
/** The event is larger than the engine accepts. */
#define MARTLET_ERROR_TOO_LARGE (-7)
/** The address guard refuses the URL or the address behind it. */
#define MARTLET_ERROR_ADDRESS_REFUSED (-8)
/** The time given passed before the work was done; the work goes on. */
#define MARTLET_ERROR_TIMED_OUT (-9)
/** The engine is closed, or the handle was freed. */
#define MARTLET_ERROR_CLOSED (-10)
/** The call was made in a forked child with an engine of its parent. Open an engine in the child instead. */
#define MARTLET_ERROR_FORKED (-11)
/** The call is not possible as the engine is configured, as things stand with its object, or from this thread. */
#define MARTLET_ERROR_WRONG_STATE (-12)
/** Memory, threads, file descriptors or engine handles ran out. */
#define MARTLET_ERROR_OUT_OF_RESOURCES (-13)
/** A signature or its time is not valid. */
#define MARTLET_ERROR_VERIFICATION_FAILED (-14)
/** A fault in Martlet itself; please report it. */
#define MARTLET_ERROR_INTERNAL (-15)
/**
 * The disk, the user's share of it or `journal.maxBytes` is full: nothing was accepted. Push again when there is room;
 * what was accepted before goes on.
 */
#define MARTLET_ERROR_STORAGE_FULL (-16)
/** The data directory cannot be used as it is, or the system failed to write it; the error text says which. */
#define MARTLET_ERROR_STORAGE (-17)
/** Another engine, of this process or of another, has the data directory open. */
#define MARTLET_ERROR_IN_USE (-18)

/* ---------------------------------------------------------------------------------------------------------------- *
 * Outcomes: what became of a delivery or an event
 * ---------------------------------------------------------------------------------------------------------------- */

/** One delivery, that is one event to one webhook, is settled. */
#define MARTLET_OUTCOME_DELIVERY 1
/** All deliveries of an event are settled, or it matched no webhook. */
#define MARTLET_OUTCOME_EVENT 2
/** Martlet disabled a webhook. */
#define MARTLET_OUTCOME_WEBHOOK_DISABLED 3

/** The receiver answered 2xx. An event: every delivery succeeded, or there was none. */
#define MARTLET_STATE_SUCCEEDED 1
/** Given up: no retry was left, or the failure was final. An event: at least one delivery failed. */
#define MARTLET_STATE_FAILED 2
/** The event's deadline passed. An event: at least one delivery expired and none failed. */
#define MARTLET_STATE_EXPIRED 3
/**
 * The host canceled it, deleted the webhook or closed the engine first. An event: at least one was canceled, none failed or
 * expired.
 */
#define MARTLET_STATE_CANCELED 4

/** No failure: the receiver answered 2xx, or the outcome is not about a delivery. */
#define MARTLET_FAILURE_NONE 0
/** The name could not be resolved. */
#define MARTLET_FAILURE_DNS 1
/** Every address of the receiver is refused by the address guard. */
#define MARTLET_FAILURE_ADDRESS_REFUSED 2
/** No connection: refused, unreachable, or not established within the connect timeout. */
#define MARTLET_FAILURE_CONNECT 3
/** The TLS handshake failed. */
#define MARTLET_FAILURE_TLS 4
/** The receiver's certificate is not trusted, has expired or is for another host. */
#define MARTLET_FAILURE_CERTIFICATE 5
/** The deadline of the whole attempt passed. */
#define MARTLET_FAILURE_TIMEOUT 6
/** The connection broke before the status line and headers were complete. */
#define MARTLET_FAILURE_CONNECTION_LOST 7
/** The answer is not HTTP, or its headers exceed the cap. */
#define MARTLET_FAILURE_BAD_RESPONSE 8
/** A complete answer with a status other than 2xx. */
#define MARTLET_FAILURE_HTTP_STATUS 9
/** Martlet could not make the request, for want of memory or file descriptors. */
#define MARTLET_FAILURE_LOCAL 10
/** No request was made: the circuit breaker of the webhook was open. */
#define MARTLET_FAILURE_CIRCUIT_OPEN 11
/** No request was made: the webhook had as many deliveries pending as it may. */
#define MARTLET_FAILURE_BACKLOG_FULL 12

/** Of a notice: the receiver answered 410 Gone. */
#define MARTLET_DISABLED_GONE 1
/** Of a notice: the receiver answered with the header `webhook-delivery: disable`. */
#define MARTLET_DISABLED_RECEIVER_ASKED 2
/** Of a notice: nothing but failures for the configured time. */
#define MARTLET_DISABLED_FAILING 3

/**
 * One outcome, as martlet_outcomes_poll() fills it. Texts end with a NUL and are empty where they do not apply. Fields
 * are only ever added, at the end: one at offset `o` is filled when `o` is below `size`.
 */
typedef struct martlet_outcome {
    /** Bytes of this record that the library filled. */
    uint32_t size;
    /** What it speaks of, MARTLET_OUTCOME_*; skip one that you do not know. */
    int32_t kind;
    /** How it ended, MARTLET_STATE_*. */
    int32_t state;
    /** Why the last attempt failed, MARTLET_FAILURE_*. */
    int32_t failure;
    /** The caller's own number, given at the push; 0 for a notice about a webhook. */
    uint64_t tag;
    /** When it was settled: milliseconds since 1970-01-01 00:00:00 UTC. */
    int64_t settled_at_ms;
    /** Attempts made; 0 for an event. */
    uint32_t attempts;
    /** The last HTTP status; 0 where there was no answer, and for an event. */
    uint32_t http_status;
    /** For an event: how many deliveries it had; for a delivery 1. */
    uint32_t deliveries;
    /** For an event: how many of them succeeded; for a delivery 1 or 0. */
    uint32_t succeeded;
    /** The event: the caller's own id, or `evt_...`. */
    char event_id[MARTLET_ID_SIZE];
    /** The delivery, `dlv_...`; empty for an event. */
    char delivery_id[40];
    /** The webhook, `wh_...`; empty for an event. */
    char webhook_id[40];
    /**
     * For a notice that a webhook was disabled: when the failures began that no success has ended, in milliseconds since
     * 1970-01-01 00:00:00 UTC; 0 where there were none, and otherwise.
     */
    int64_t failing_since_ms;
    /** For a notice that a webhook was disabled: why, MARTLET_DISABLED_*; otherwise 0. */
    uint32_t reason;
    /** 0. */
    uint32_t reserved;
} martlet_outcome_t;

/* The layout has no holes and is the same for every compiler: a wrong one fails here, in C99 too. */
typedef char martlet_check_outcome_tag[offsetof(martlet_outcome_t, tag) == 16 ? 1 : -1];
typedef char martlet_check_outcome_event_id[offsetof(martlet_outcome_t, event_id) == 48 ? 1 : -1];
typedef char martlet_check_outcome_size[sizeof(martlet_outcome_t) == 216 ? 1 : -1];

/* ---------------------------------------------------------------------------------------------------------------- *
 * Log
 * ---------------------------------------------------------------------------------------------------------------- */

/** Martlet could not do its work. */
#define MARTLET_LOG_ERROR 1
/** Something needs attention: a webhook was disabled, a receiver keeps failing. */
#define MARTLET_LOG_WARNING 2
/** Life cycle of the engine and its webhooks, and what opening found in a data directory. */
#define MARTLET_LOG_INFO 3
/** Every attempt. */
#define MARTLET_LOG_DEBUG 4

/**
 * A log callback, see martlet_set_log().
 *
 * context: as given to martlet_set_log().
 * level: MARTLET_LOG_*.
 * message: one line of UTF-8, ended by a NUL; valid until the callback returns.
 * length: bytes of the message without the NUL.
 */
typedef void (*martlet_log_t)(void *context, int32_t level, const char *message, size_t length);

#endif /* MARTLET_TYPES_H */
