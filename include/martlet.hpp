/**
 * Martlet for C++17 and later: a thin layer over martlet.h, header only, without further dependencies.
 *
 *     martlet::engine engine(martlet::configuration().environment("development").outcomes("deliveries"));
 *     engine.create_webhook(martlet::webhook("https://receiver.example.com/hooks", {"call.*"}));
 *     engine.push("call.completed", martlet::object().set("callId", "call_1"), 7);
 *     for (const martlet::outcome &outcome : engine.outcomes(std::chrono::seconds(30))) { ... }
 *
 * Errors
 *   `martlet::engine` throws martlet::error. `martlet::nothrow::engine` has the same functions and gives a
 *   martlet::result<T> instead, which is tested like a pointer; so does `engine.nothrow()`, another view of the same
 *   engine. Without exceptions (-fno-exceptions) there is martlet::nothrow alone. Memory that runs out is
 *   std::bad_alloc in both.
 *
 * Documents
 *   What the library takes as JSON is a std::string_view here: text of yours, from whatever JSON library, or a builder:
 *   martlet::object for any document, configuration, webhook, event and query with the keys of the configuration
 *   reference as functions. What it gives is a martlet::document, text to be read with the JSON library that you have.
 *
 * Threads
 *   An engine may be used by any thread at any time, but destroyed or moved only when none uses the object any more.
 *   The other types are ordinary values.
 */

#ifndef MARTLET_HPP
#define MARTLET_HPP

#if __cplusplus < 201703L
#error "martlet.hpp needs C++17"
#endif

#include "martlet/builders.hpp"
#include "martlet/engine.hpp"
#include "martlet/error.hpp"
#include "martlet/json.hpp"
#include "martlet/log.hpp"
#include "martlet/outcome.hpp"
#include "martlet/ranges.hpp"
#include "martlet/signature.hpp"

#endif
