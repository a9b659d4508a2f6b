// The engine through martlet.hpp, with errors thrown and in results.

#include "check.hpp"

using namespace std::chrono_literals;
using martlet::json;
using martlet::object;
using martlet::status;

template <class Call> static status thrown(Call call) {
    try {
        call();
    } catch (const martlet::error &error) {
        return error.code();
    }
    return status::ok;
}

static void errors() {
    try {
        martlet::engine engine("{\"lanse\":2}");
        CHECK(false);
    } catch (const std::exception &exception) {
        const auto *error = dynamic_cast<const martlet::error *>(&exception);
        CHECK(error != nullptr && error->code() == status::invalid_document);
        CHECK_EQUAL(error->name(), "INVALID_DOCUMENT");
        CHECK_EQUAL(error->text(), "unknown key \"lanse\"; did you mean \"lanes\"?");
        CHECK_EQUAL(error->what(), "unknown key \"lanse\"; did you mean \"lanes\"? (INVALID_DOCUMENT)");
    }
    auto opened = martlet::nothrow::engine::open("{");
    CHECK(!opened && opened.code() == status::invalid_json && !opened.error().text().empty());
    CHECK(thrown([&] { opened.value(); }) == status::invalid_json);

    // A code of a newer library.
    const martlet::error unknown(static_cast<status>(-999), "");
    CHECK_EQUAL(unknown.name(), "UNKNOWN");
    CHECK(!unknown.text().empty());

    const martlet::engine nothing = martlet::engine();
    CHECK(thrown([&] { nothing.push("call.placed", "1"); }) == status::invalid_argument);
    // Each code of the library has its name here.
    std::int32_t code = 0;
    for (std::size_t index = 0; martlet_status_at(index, &code) != nullptr; ++index) {
        CHECK(code <= static_cast<std::int32_t>(status::ok) && code >= static_cast<std::int32_t>(status::in_use));
    }
}

static void delivers() {
    receiver hooks({200});
    martlet::engine engine(development().outcomes("all"));
    const martlet::document hook = engine.create_webhook(martlet::webhook(hooks.url(), {"call.*"}));
    CHECK(hook.id().rfind("wh_", 0) == 0);
    const martlet::id id = engine.push("call.completed", object().set("a", "\"é\n"), 7);
    CHECK(std::string_view(id).size() == 30 && id.str() == id.c_str());

    std::vector<martlet::outcome> got(8);
    std::size_t count = 0;
    while (count < 2) count += engine.wait(&got[count], got.size() - count, 20s);
    const martlet::outcome &delivery = got[0], &event = got[1];
    CHECK(delivery.kind() == martlet::outcome_kind::delivery && event.kind() == martlet::outcome_kind::event);
    CHECK(delivery.succeeded() && delivery.tag() == 7 && delivery.attempts() == 1 && delivery.http_status() == 200);
    CHECK(delivery.failure() == martlet::failure::none && event.deliveries() == 1 && event.deliveries_succeeded() == 1);
    CHECK(delivery.event_id() == id && event.event_id() == id && event.delivery_id().empty());
    CHECK(delivery.webhook_id() == hook.id() && !delivery.failing_since());
    CHECK(std::chrono::system_clock::now() - delivery.settled_at() < 1min);
    pollfd watched{engine.outcomes_fd(), POLLIN, 0};
    CHECK(watched.fd >= 0 && ::poll(&watched, 1, 0) == 0);
    engine.push("workflow.failed", "1");
    CHECK(::poll(&watched, 1, 20000) == 1);
    martlet::outcome more[4];
    CHECK(engine.poll(more, 4) == 1 && ::poll(&watched, 1, 0) == 0);
    CHECK(engine.poll(more, 4) == 0);
    CHECK(engine.wait(more, 4, 1ms) == 0);
    CHECK(engine.wait(more, 0, 1min) == 0);

    const std::string request = hooks.requests().at(0);
    CHECK(request.find("\"data\":{\"a\":\"\\\"é\\u000a\"}}") != std::string::npos);
    CHECK(request.find(" martlet-cpp/" MARTLET_VERSION) != std::string::npos);
    CHECK(engine.get_delivery(delivery.delivery_id()).name("state") == "succeeded");
}

static void ranges() {
    receiver hooks({200});
    martlet::engine engine(development().outcomes("events"));
    for (const char *note : {"1", "2", "3", "4", "5"}) {
        engine.create_webhook(martlet::webhook(hooks.url(), {"workflow.failed"}).description(note));
    }
    engine.create_webhook(martlet::webhook(hooks.url(), {"call.placed"}).description("6"));
    for (const char *query : {"", "{}", "{ } ", "{\"limit\":1}", "{\"limit\" : 2 } ", "{\"limit\":5}", "{\"limit\":6}"}) {
        std::string notes;
        for (const martlet::document &each : engine.webhooks(query)) notes += each.name("description");
        CHECK_EQUAL(notes, "123456");
    }
    std::vector<martlet::event> events;
    for (std::uint64_t tag = 1; tag <= 600; ++tag) events.push_back(martlet::event("call.placed", json{"1"}).tag(tag));
    CHECK(engine.push_many(events).accepted == 600);
    std::vector<bool> seen(601);
    std::size_t count = 0;
    for (const martlet::outcome &outcome : engine.outcomes(20s)) {
        CHECK(!seen.at(outcome.tag()));
        seen.at(outcome.tag()) = true;
        if (++count == 600) break;
    }
    CHECK(count == 600);
    std::uint64_t wanted = 600;
    for (const martlet::document &each : engine.deliveries(martlet::query().limit(7).state("succeeded"))) {
        CHECK_EQUAL(each.member("tag"), std::to_string(wanted--));
    }
    CHECK(wanted == 0);
    CHECK(thrown([&] { for (const auto &each : engine.deliveries("{\"stat\":1}")) static_cast<void>(each); }) ==
          status::invalid_document);
    auto wrong = engine.nothrow().deliveries("{\"stat\":1}");
    CHECK(wrong.begin() == wrong.end() && wrong.error() && wrong.error()->code() == status::invalid_document);
    martlet::engine without(development());
    CHECK(thrown([&] { for (const auto &each : without.outcomes(0s)) static_cast<void>(each); }) == status::wrong_state);
    auto off = without.nothrow().outcomes(0s);
    CHECK(off.begin() == off.end() && off.error() && off.error()->code() == status::wrong_state);
}

static void webhooks() {
    martlet::engine engine(development());
    const std::string id = engine.create_webhook(martlet::webhook("http://127.0.0.1:9/", {"*"}).timeout(700ms)).id();
    CHECK(engine.get_webhook(id).member("timeoutMs") == "700");
    CHECK(engine.update_webhook(id, object().set("timeoutMs", nullptr).set("description", "d")).name("description") == "d");
    engine.disable_webhook(id);
    CHECK(engine.get_webhook(id).member("enabled") == "false");
    engine.enable_webhook(id);
    CHECK(engine.get_webhook(id).member("enabled") == "true");
    const martlet::document secrets = engine.rotate_secret(id, object().set("overlapSeconds", 60));
    CHECK(secrets.text() == engine.webhook_secrets(id).text());
    CHECK(engine.test_webhook(id, object().set("eventType", "call.placed")).name("deliveryId").rfind("dlv_", 0) == 0);
    engine.delete_webhook(id);
    CHECK(thrown([&] { engine.get_webhook(id); }) == status::not_found);
    CHECK(engine.nothrow().delete_webhook(id).code() == status::not_found);
    engine.add_event_type(object().set("name", "order.shipped"));
    CHECK(engine.event_types().text().find("order.shipped") != std::string::npos);
    CHECK(engine.metrics().find("\nmartlet_events_accepted_total ") != std::string::npos);
    CHECK(engine.stats().name("state") == "open");
}

static void pushes() {
    martlet::engine engine(development().queue(3, 4 << 20));
    const auto first = engine.push(martlet::event("call.placed", json{"{\"a\":\n1}"}).id("one"));
    CHECK(first.event.str() == "one" && !first.is_duplicate);
    CHECK(engine.push(martlet::event("call.placed", object()).id("one")).is_duplicate);
    CHECK(engine.push(martlet::event("call.placed", object()).tag(1)).event.str().rfind("evt_", 0) == 0);
    CHECK(thrown([&] { engine.push(martlet::event("call.placed", json{"1,\"tenant\":\"t\""})); }) == status::invalid_json);
    martlet::pushed counts;
    const std::vector<martlet::event> events{martlet::event("call.placed", object()), martlet::event("call.palced", object())};
    const auto refused = engine.nothrow().push_many(events, &counts);
    CHECK(refused.code() == status::unknown_event_type && counts.accepted == 1);
    CHECK(refused.error().text().rfind("line 2", 0) == 0);
    CHECK(engine.push_json("").accepted == 0);
    CHECK(thrown([&] { engine.push("call.placed", "{"); }) == status::invalid_json);
}

static void again_and_cancel() {
    receiver hooks({500, 200, 503});
    martlet::engine engine(development().outcomes("deliveries").retry({}));
    const std::string hook = engine.create_webhook(martlet::webhook(hooks.url(), {"*"})).id();
    engine.push("call.placed", "1");
    martlet::outcome outcome;
    CHECK(engine.wait(&outcome, 1, 20s) == 1 && outcome.http_status() == 500);
    const martlet::id again = engine.redeliver(outcome.delivery_id());
    CHECK(engine.wait(&outcome, 1, 20s) == 1 && outcome.delivery_id() == again && outcome.succeeded());
    CHECK(engine.replay(martlet::query().webhook_id(hook)).member("replayed") == "0");
    engine.update_webhook(hook, object().set("retry", object().set("delaysSeconds", {600})));
    engine.push("call.placed", "2");
    while (hooks.requests().size() < 3) std::this_thread::yield();
    std::string id;
    for (const auto &each : engine.deliveries(martlet::query().state("undelivered"))) id = each.id();
    engine.cancel_delivery(id);
    CHECK(engine.wait(&outcome, 1, 20s) == 1 && outcome.state() == martlet::state::canceled);
    CHECK(thrown([&] { engine.cancel_delivery(id); }) == status::wrong_state);
    CHECK(engine.cancel_deliveries() == 0);
}

static void life() {
    martlet::engine_ref left;
    {
        martlet::engine first(development().outcomes("all"));
        martlet::engine second = std::move(first);
        CHECK(first.handle() == nullptr && second.handle() != nullptr);
        martlet::engine third;
        third = std::move(second);
        third = std::move(third);
        CHECK(third.stats().name("state") == "open");
        left = third.ref();
        CHECK(left.flush(0ms));
        martlet::engine replaced(development());
        const martlet::engine_ref gone = replaced.ref();
        replaced = martlet::engine(development());
        CHECK(thrown([&] { gone.stats(); }) == status::closed);
        const martlet_engine_t released = replaced.release();
        const martlet::engine adopted(released);
        CHECK(adopted.stats().name("state") == "open");
    }
    CHECK(thrown([&] { left.push("call.placed", "1"); }) == status::closed);
    CHECK(left.nothrow().close(0ms).code() == status::closed);

    receiver hooks({503});
    martlet::engine engine(development().outcomes("deliveries").retry({600s}));
    engine.create_webhook(martlet::webhook(hooks.url(), {"*"}));
    engine.push("call.placed", "1", 3);
    CHECK(!engine.flush(20ms));
    CHECK(!engine.close(20ms));
    std::vector<std::uint64_t> tags;
    for (const martlet::outcome &each : engine.outcomes(0ms)) tags.push_back(each.tag());
    CHECK(tags == std::vector<std::uint64_t>{3});
    CHECK(thrown([&] { engine.push("call.placed", "1"); }) == status::closed);
    CHECK(engine.close(0ms));
    CHECK(thrown([&] { engine.flush(-1ms); }) == status::invalid_argument);
}

static void threads() {
    martlet::engine engine(development().outcomes("events"));
    std::atomic<std::uint64_t> accepted{0};
    std::vector<std::thread> pushers;
    for (int each = 0; each < 4; ++each) {
        pushers.emplace_back([ref = engine.nothrow(), &accepted] {
            for (;;) {
                const auto pushed = ref.push("call.placed", "1");
                if (pushed) ++accepted;
                else if (pushed.code() == status::closed) return;
                else CHECK(pushed.code() == status::queue_full);
            }
        });
    }
    std::uint64_t seen = 0;
    while (seen < 20000) {
        for (const auto &each : engine.outcomes(1s)) {
            static_cast<void>(each);
            if (++seen == 20000) break;
        }
    }
    engine.close(10s);
    for (auto &each : pushers) each.join();
    CHECK(seen <= accepted);
}

static void log() {
    receiver hooks({410});
    std::mutex mutex;
    std::vector<std::pair<martlet::log_level, std::string>> heard;
    const auto hear = [&](martlet::log_level level, std::string_view text) {
        const std::lock_guard<std::mutex> lock(mutex);
        heard.emplace_back(level, text);
        throw std::runtime_error("of a handler");
    };
    const auto told = [&](martlet::log_level level, std::string_view text) {
        const std::lock_guard<std::mutex> lock(mutex);
        return std::any_of(heard.begin(), heard.end(), [&](const auto &each) {
            return each.first == level && each.second.find(text) != std::string::npos;
        });
    };
    std::string hook;
    {
        martlet::engine first(development().outcomes("all").retry({}));
        first.on_log(martlet::log_level::debug, [](martlet::log_level, std::string_view) { CHECK(false); });
        first.on_log(martlet::log_level::debug, hear);
        // The handlers go with the engine.
        martlet::engine moved = std::move(first);
        martlet::engine engine;
        engine = std::move(moved);
        pollfd watched{engine.log_fd(martlet::log_level::warning), POLLIN, 0};
        CHECK(watched.fd >= 0 && ::poll(&watched, 1, 0) == 0);
        hook = engine.create_webhook(martlet::webhook(hooks.url(), {"*"})).id();
        engine.push("call.placed", "1");
        CHECK(::poll(&watched, 1, 20000) == 1);
        const std::string batch(engine.poll_log().text());
        CHECK(batch.find("{\"messages\":[{\"level\":\"warning\",\"time\":\"20") == 0);
        CHECK(batch.find(hook + " is disabled") != std::string::npos && batch.find("registered") == std::string::npos);
        CHECK(batch.find("],\"dropped\":0,\"ended\":false}") != std::string::npos);
        CHECK(::poll(&watched, 1, 0) == 0);
        engine.close(10s);
        CHECK(::poll(&watched, 1, 0) == 1);
        CHECK(engine.poll_log().member("ended") == "true" && ::poll(&watched, 1, 0) == 1);
    }
    using martlet::log_level;
    CHECK(told(log_level::info, hook + " is registered") && told(log_level::debug, "with status 410"));
    CHECK(told(log_level::warning, hook + " is disabled") && told(log_level::info, "the engine is closed"));
    CHECK_EQUAL(name(log_level::warning), "warning");

    martlet::engine silent(development());
    CHECK(thrown([&] { silent.poll_log(); }) == status::wrong_state);
    CHECK(thrown([&] { silent.on_log(static_cast<log_level>(9), hear); }) == status::invalid_argument);
    CHECK(thrown([&] { silent.log_fd(static_cast<log_level>(9)); }) == status::invalid_argument);
    silent.on_log(log_level::info, {});
}

static void signatures() {
    const std::string secret = "whsec_bWFydGxldCBiaW5kaW5ncywgc2VjcmV0IG9uZS4uLi4=", body = "{\"greeting\":\"Grüße\"}";
    const std::string signature = martlet::sign(secret, "evt_shared", 1764585000, body);
    CHECK_EQUAL(signature, "v1,JazOqvz8aVZj7keQ7AzvotZIGQD+zyKJhubHcqMdtrU=");
    martlet::verify_options options;
    options.now = 1764585301;
    const martlet::signed_headers headers{"evt_shared", "1764585000", signature};
    CHECK(martlet::nothrow::verify(secret, headers, body, options).code() == status::verification_failed);
    options.tolerance = 301s;
    martlet::verify(secret, headers, body, options);
    CHECK(thrown([&] { martlet::verify(secret, headers, "{}", options); }) == status::verification_failed);
    CHECK(thrown([&] { martlet::verify("nonsense", headers, body, options); }) == status::invalid_argument);
    std::string many;
    for (int each = 0; each < 16; ++each) many += secret + " ";
    const auto sixteen = martlet::nothrow::sign(many, "evt_shared", 1764585000, body);
    CHECK(sixteen && sixteen->size() == 16 * 48 - 1);
    CHECK(martlet::nothrow::sign("nonsense", "e", 1, "").code() == status::invalid_argument);
}

int main() {
    tally tests;
    tests.test("errors have a code, a name and a text", errors);
    tests.test("an event is delivered and its outcomes come", delivers);
    tests.test("listings and outcomes are ranges", ranges);
    tests.test("webhooks are created, changed, tested and deleted", webhooks);
    tests.test("pushes are counted, and refused with a reason", pushes);
    tests.test("deliveries are repeated and canceled", again_and_cancel);
    tests.test("an engine is moved, closed and ended by its owner", life);
    tests.test("threads push while the engine closes", threads);
    tests.test("messages are heard, and polled", log);
    tests.test("requests are signed and verified", signatures);
    return tests.end();
}
