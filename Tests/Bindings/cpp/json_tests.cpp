// The builders write JSON as a parser reads it, and documents give back what the library wrote.

#include "check.hpp"

#include <nlohmann/json.hpp>

#include <limits>
#include <map>
#include <random>

using martlet::json;
using martlet::object;
using namespace std::chrono_literals;
using parsed = nlohmann::json;

static void values() {
    CHECK_EQUAL(object().text(), "{}");
    CHECK_EQUAL(object().set("a", true).set("b", nullptr).set("c", -7).set("d", std::numeric_limits<std::uint64_t>::max()).text(),
                R"({"a":true,"b":null,"c":-7,"d":18446744073709551615})");
    CHECK_EQUAL(object().set("a", 0.1).set("b", 1e300).set("c", 5.0f).set("d", std::nan("")).text(),
                R"({"a":0.1,"b":1e+300,"c":5,"d":null})");
    CHECK_EQUAL(object().set("a", std::optional<int>()).set("b", std::optional<int>(3)).text(), R"({"a":null,"b":3})");
    const char *pointer = "text";
    CHECK_EQUAL(object().set("a", pointer).set("b", std::string("s")).set("c", std::string_view("v")).text(),
                R"({"a":"text","b":"s","c":"v"})");
    CHECK_EQUAL(object().set("a", {1, 2}).set("b", {"x", "y"}).set("c", std::vector<bool>{true, false}).text(),
                R"({"a":[1,2],"b":["x","y"],"c":[true,false]})");
    CHECK_EQUAL(object().set("a", std::map<std::string, std::vector<int>>{{"x", {1}}, {"y", {}}}).text(),
                R"({"a":{"x":[1],"y":[]}})");
    CHECK_EQUAL(object().set("a", object().set("b", object())).set("c", std::vector<object>{object(), object().set("d", 1)}).text(),
                R"({"a":{"b":{}},"c":[{},{"d":1}]})");
    CHECK_EQUAL(object().set("a", json{"[1, {\"b\":2}]"}).set("k\"\n", 1).text(), "{\"a\":[1, {\"b\":2}],\"k\\\"\\u000a\":1}");
    CHECK_EQUAL(object().set("a", martlet::document("{\"b\":1}")).text(), R"({"a":{"b":1}})");
}

static void every_string_is_read_back() {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto length = random() % 40; length > 0; --length) {
            switch (random() % 4) {
            case 0: text += static_cast<char>(random() % 128); break;
            case 1: text += "\"\\/\b\f\n\r\t"[random() % 8]; break;
            case 2: text += "é"; break;
            default: text += "👩‍🚀"; break;
            }
        }
        const parsed read = parsed::parse(object().set(text, text).text());
        CHECK(read.size() == 1 && read.begin().key() == text && read.begin().value() == text);
    }
}

static void ready_text_cannot_add_keys() {
    for (const char *text : {"1,\"tenant\":\"t\"", "{\"a\":1},\"b\":2", "1}", "1},{\"x\":2", "\"", "\"\\\"", "{", "{]", "",
                             "1 2", "\"a\":1", "1:2", "]", "\"a", "\\"}) {
        const std::string whole = object().set("data", json{text}).text();
        CHECK(!parsed::accept(whole));
    }
    for (const char *text : {"1", "\"a,b}\"", "\"\\\\\"", "\"\\\"\"", "{\"a\":[1,2,{\"b\":\"]\"}]}", " [ ] ", "\"\""}) {
        const parsed read = parsed::parse(object().set("data", json{text}).text());
        CHECK(read["data"] == parsed::parse(text));
    }
}

static void documents_are_read() {
    const martlet::document whole(
        R"({"a":"x,}\"]","n":{"id":"inner"},"id":"wh_1","list":[{"a":1},2,"three"],"none":null,"e":{}})");
    CHECK_EQUAL(whole.id(), "wh_1");
    CHECK_EQUAL(whole.member("a"), "\"x,}\\\"]\"");
    CHECK_EQUAL(whole.member("n"), "{\"id\":\"inner\"}");
    CHECK_EQUAL(whole.member("list"), "[{\"a\":1},2,\"three\"]");
    CHECK_EQUAL(whole.member("none"), "null");
    CHECK_EQUAL(whole.member("e"), "{}");
    CHECK_EQUAL(whole.member("inner"), "");
    CHECK_EQUAL(whole.name("none"), "");
    CHECK_EQUAL(martlet::document("{}").id(), "");
    // Whatever it is given, it stays within the text.
    std::mt19937 random(2);
    for (int round = 0; round < 20000; ++round) {
        std::string noise;
        for (auto length = random() % 30; length > 0; --length) noise += "{}[]\",:\\a1"[random() % 10];
        const martlet::document broken(noise);
        static_cast<void>(broken.member("a").size() + broken.id().size());
        static_cast<void>(object().set("a", json{noise}));
    }
}

static void builders() {
    const auto time = std::chrono::system_clock::time_point(1765189800500ms);
    const parsed hook = parsed::parse(martlet::webhook("https://x.example/", {"call.*", "*"})
                                          .tenant("t").agents({"a"}).workflows({"w"})
                                          .filter(object().set("n", object().set("$gte", 60)))
                                          .headers({{"X-A", "1"}, {"X-B", "\"2\""}}).metadata({{"k", "v"}})
                                          .description("d").enabled(false).secret("whsec_").max_in_flight(3).max_pending(9)
                                          .timeout(2s).connect_timeout(300ms).expiry(90s).adaptive_concurrency(false)
                                          .rate_limit(0.5, 2).retry({50ms, 1s}).ordering("key").disable_after(0s)
                                          .payload_format("raw").set("new", {1, 2}).text());
    CHECK(hook == parsed::parse(R"({"url":"https://x.example/","events":["call.*","*"],"tenant":"t","agents":["a"],
        "workflows":["w"],"filter":{"n":{"$gte":60}},"headers":{"X-A":"1","X-B":"\"2\""},"metadata":{"k":"v"},
        "description":"d","enabled":false,"secret":"whsec_","maxInFlight":3,"maxPending":9,"timeoutMs":2000,
        "connectTimeoutMs":300,"expirySeconds":90,"adaptiveConcurrency":false,"rateLimit":{"perSecond":0.5,"burst":2},
        "retry":{"delaysSeconds":[0.05,1]},"ordering":"key","disableAfterSeconds":0,"payloadFormat":"raw","new":[1,2]})"));
    const parsed event = parsed::parse(martlet::event("call.placed", json{"[1]"})
                                           .id("i").created_at(time).tag(~std::uint64_t(0)).tenant("t").key("k")
                                           .expires_in(1500ms).headers({{"A", "b"}}).text());
    CHECK(event == parsed::parse(R"({"eventType":"call.placed","data":[1],"id":"i","createdAt":"2025-12-08T10:30:00.500Z",
        "tag":18446744073709551615,"tenant":"t","key":"k","expirySeconds":1.5,"headers":{"A":"b"}})"));
    const parsed asked = parsed::parse(martlet::query().state("failed").webhook_id("w").event_id("e").event_type("t")
                                           .created_after(time).created_before(time).limit(2).per_second(1.5).text());
    CHECK(asked == parsed::parse(R"({"state":"failed","webhookId":"w","eventId":"e","eventType":"t",
        "createdAfter":"2025-12-08T10:30:00.500Z","createdBefore":"2025-12-08T10:30:00.500Z","limit":2,"perSecond":1.5})"));
    const parsed config = parsed::parse(martlet::configuration().data_directory("/d").environment("production")
                                            .allowed_networks({"10.0.0.0/8"}).outcomes("all").queue(5, 70000).lanes(1)
                                            .max_in_flight(2).event_types({"a.b"}).user_agent("u").retry({}).text());
    CHECK(config == parsed::parse(R"({"dataDirectory":"/d","environment":"production","allowedNetworks":["10.0.0.0/8"],
        "outcomes":"all","queue":{"maxEvents":5,"maxBytes":70000},"lanes":1,"maxInFlight":2,"eventTypes":["a.b"],
        "userAgent":"u","retry":{"delaysSeconds":[]}})"));
    CHECK(parsed::parse(martlet::event("x", json{"1"}).created_at(std::chrono::system_clock::time_point(-1500ms)).text())
              ["createdAt"] == "1969-12-31T23:59:58.500Z");
}

int main() {
    tally tests;
    tests.test("builders write each kind of value", values);
    tests.test("builders: every string is read back by another parser", every_string_is_read_back);
    tests.test("builders: ready text cannot add keys", ready_text_cannot_add_keys);
    tests.test("builders have the keys of the configuration reference", builders);
    tests.test("documents give their members", documents_are_read);
    return tests.end();
}
