// Compiled with -fno-exceptions: results alone. Without sanitizers too, whose allocator may be locked in a forked child.

#include "check.hpp"

#include <malloc.h>
#include <sys/wait.h>

static void results() {
    auto opened = martlet::nothrow::engine::open(development().outcomes("events"));
    CHECK(opened.has_value());
    martlet::nothrow::engine engine = *std::move(opened);
    CHECK(engine.push("call.placed", "{}", 5).has_value());
    CHECK(engine.push("call.palced", "{}").code() == martlet::status::unknown_event_type);
    martlet::outcome outcome;
    const auto count = engine.wait(&outcome, 1, std::chrono::seconds(20));
    CHECK(count && *count == 1 && outcome.tag() == 5);
    const auto flushed = engine.flush(std::chrono::seconds(20));
    CHECK(flushed && *flushed);
    auto pages = engine.webhooks("{\"limt\":1}");
    CHECK(pages.begin() == pages.end() && pages.error()->code() == martlet::status::invalid_document);
    CHECK(engine.delete_webhook("wh_none").code() == martlet::status::not_found);
    CHECK(!martlet::nothrow::verify("nonsense", {}, ""));
    CHECK(engine.close(std::chrono::seconds(1)).has_value());
}

static void a_forked_child() {
    auto engine = martlet::nothrow::engine::open(development());
    const pid_t child = fork();
    if (child == 0) {
        const bool is_refused = engine->push("call.placed", "1").code() == martlet::status::forked;
        _exit(is_refused && martlet::nothrow::engine::open("{}") ? 0 : 1);
    }
    int ended = -1;
    CHECK(waitpid(child, &ended, 0) == child && ended == 0);
    CHECK(engine->push("call.placed", "1").has_value());
}

// Each text that the library hands out is given back, with and without an error.
static void nothing_is_kept() {
    auto engine = martlet::nothrow::engine::open(development());
    const std::string id = engine->create_webhook(martlet::webhook("http://127.0.0.1:9/", {"call.placed"}))->id();
    const auto use = [&] {
        for (int round = 0; round < 500; ++round) {
            CHECK(engine->stats() && engine->metrics() && engine->event_types() && engine->get_webhook(id));
            CHECK(engine->webhook_secrets(id) && engine->update_webhook(id, "{}") && !engine->get_webhook("wh_none"));
            for (const martlet::document &each : engine->webhooks()) CHECK(each.id() == id);
            for (const martlet::document &each : engine->deliveries()) CHECK(each.id().empty());
            CHECK(!martlet::nothrow::engine::open("{\"lanse\":1}"));
        }
    };
    use();
    const std::size_t before = mallinfo2().uordblks;
    use();
    CHECK(mallinfo2().uordblks < before + 65536); // 500 leaks of a small text would be more
}

int main() {
    tally tests;
    tests.test("results without exceptions", results);
    tests.test("an engine of the parent is refused in a forked child, which may open its own", a_forked_child);
    tests.test("texts of the library are given back", nothing_is_kept);
    return tests.end();
}
