// Executes the shared cases through martlet.hpp: MARTLET_RECEIVER=http://127.0.0.1:N runner cases.json

#include "matching.hpp"

#include <martlet.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <tuple>

namespace {

/** What the receiver got under a path: a GET by hand, the answer up to the end of the connection. */
value received(const std::string &base, const std::string &path) {
    const std::string host = base.substr(base.rfind('/') + 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(host.substr(host.find(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const std::string request =
        "GET /requests" + path + " HTTP/1.1\r\nhost: " + host + "\r\nconnection: close\r\n\r\n";
    std::string answer;
    if (connect(peer, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
        send(peer, request.data(), request.size(), MSG_NOSIGNAL) >= 0) {
        char block[4096];
        for (ssize_t count; (count = recv(peer, block, sizeof block, 0)) > 0;) {
            answer.append(block, static_cast<std::size_t>(count));
        }
    }
    close(peer);
    const std::size_t head = answer.find("\r\n\r\n");
    if (head == std::string::npos) throw mismatch("the receiver does not answer");
    return value::parse(answer.substr(head + 4));
}

/** Performs the operations of a case with one engine. */
class host {
public:
    explicit host(std::string receiver) : receiver_(std::move(receiver)) {}

    value perform(const std::string &name, const value &operation) {
        const std::string text = operation.is_string() ? operation.get<std::string>() : operation.dump();
        const std::string id = operation.is_array() && !operation.empty() && operation[0].is_string()
                                   ? operation[0].get<std::string>()
                                   : std::string();
        const std::string second = operation.is_array() && operation.size() == 2 ? operation[1].dump() : std::string();
        if (name == "open") return engine_.reset(), engine_.emplace(text), nullptr;
        if (name == "beside") return martlet::engine(text), nullptr;
        if (name == "sign") return sign(operation);
        if (name == "verify") return verify(operation), nullptr;
        if (name == "received") return {{"requests", received(receiver_, text)}};

        martlet::engine &engine = *engine_;
        if (name == "create") return parsed(engine.create_webhook(text));
        if (name == "get") return parsed(engine.get_webhook(text));
        if (name == "list") return {{"webhooks", all(engine.webhooks(text))}};
        if (name == "check") return engine.check_webhook(second, id), nullptr;
        if (name == "update") return parsed(engine.update_webhook(id, second));
        if (name == "delete") return engine.delete_webhook(text), nullptr;
        if (name == "enable") return engine.enable_webhook(text), nullptr;
        if (name == "disable") return engine.disable_webhook(text), nullptr;
        if (name == "secrets") return parsed(engine.webhook_secrets(text));
        if (name == "rotate") return parsed(engine.rotate_secret(id, second));
        if (name == "test") return parsed(engine.test_webhook(id, second));
        if (name == "push") return push(operation, operation.at("data").dump());
        if (name == "pushText") return push(operation, operation.at("text"));
        if (name == "pushUntil") return push_until(operation), nullptr;
        if (name == "pushMany") return push_many(operation);
        if (name == "addType") return engine.add_event_type(text), nullptr;
        if (name == "eventTypes") return parsed(engine.event_types());
        if (name == "flush") return in_time(engine.flush(milliseconds(operation))), nullptr;
        if (name == "close") return in_time(engine.close(milliseconds(operation))), nullptr;
        if (name == "outcomes") return outcomes(operation);
        if (name == "deliveries") return {{"deliveries", all(engine.deliveries(text))}};
        if (name == "delivery") return parsed(engine.get_delivery(text));
        if (name == "redeliver") return {{"id", engine.redeliver(text).str()}};
        if (name == "replay") return parsed(engine.replay(text));
        if (name == "cancel") return engine.cancel_delivery(text), nullptr;
        if (name == "cancelAll") return {{"canceled", engine.cancel_deliveries(text)}};
        if (name == "stats") return parsed(engine.stats());
        if (name == "metrics") return {{"text", engine.metrics()}};
        throw mismatch("unknown operation " + name);
    }

private:
    static value parsed(const martlet::document &document) { return value::parse(document.text()); }
    static std::chrono::milliseconds milliseconds(const value &number) {
        return std::chrono::milliseconds(number.get<long>());
    }

    template <class Listing> static value all(Listing &&listing) {
        value documents = value::array();
        for (const martlet::document &each : listing) documents.push_back(parsed(each));
        return documents;
    }

    static void in_time(bool is) {
        if (!is) throw martlet::error(martlet::status::timed_out, "work was left");
    }

    value push(const value &operation, const std::string &data) {
        const auto type = operation.at("type").get<std::string>();
        return {{"id", engine_->push(type, data, operation.value("tag", std::uint64_t(0))).str()}};
    }

    void push_until(const value &operation) {
        const std::string data = '"' + std::string(operation.at("bytes").get<std::size_t>(), 'x') + '"';
        const auto type = operation.at("type").get<std::string>();
        for (int most = operation.at("most"); most > 0; --most) engine_->push(type, data);
    }

    /** With the builder's own functions, as far as it has them. */
    value push_many(const value &documents) {
        std::vector<martlet::event> events;
        for (const value &document : documents) {
            const std::string data = document.at("data").dump();
            martlet::event event(document.at("eventType").get<std::string>(), martlet::json{data});
            for (const auto &[key, each] : document.items()) {
                if (key == "id") event.id(each.get<std::string>());
                else if (key == "tag") event.tag(each.get<std::uint64_t>());
                else if (key == "tenant") event.tenant(each.get<std::string>());
                else if (key == "key") event.key(each.get<std::string>());
                else if (key != "eventType" && key != "data") event.set(key, martlet::json{each.dump()});
            }
            events.push_back(event);
        }
        const martlet::pushed pushed = engine_->push_many(events);
        return {{"accepted", pushed.accepted}, {"duplicates", pushed.duplicates}};
    }

    value outcomes(std::size_t count) {
        value got = value::array();
        if (count == 0) return got;
        // One at a time: what comes behind the count belongs to the next step.
        while (got.size() < count) {
            martlet::outcome outcome;
            if (engine_->wait(&outcome, 1, std::chrono::seconds(20)) == 0) {
                throw mismatch("only these outcomes came: " + got.dump());
            }
            got.push_back({{"kind", name(outcome.kind())}, {"state", name(outcome.state())},
                           {"failure", name(outcome.failure())}, {"eventId", outcome.event_id()},
                           {"deliveryId", outcome.delivery_id()}, {"webhookId", outcome.webhook_id()},
                           {"tag", outcome.tag()}, {"attempts", outcome.attempts()},
                           {"httpStatus", outcome.http_status()}});
        }
        std::sort(got.begin(), got.end(), [](const value &a, const value &b) {
            return std::tie(a["kind"], a["eventId"], a["deliveryId"]) < std::tie(b["kind"], b["eventId"], b["deliveryId"]);
        });
        return got;
    }

    static value sign(const value &request) {
        const auto secret = request.at("secret").get<std::string>(), id = request.at("id").get<std::string>();
        return {{"signature", martlet::sign(secret, id, request.at("timestamp").get<std::int64_t>(),
                                            request.at("body").get<std::string>())}};
    }

    static void verify(const value &request) {
        const auto text = [&](const char *key) { return request.at(key).get<std::string>(); };
        const std::string id = text("id"), timestamp = text("timestamp"), signature = text("signature");
        martlet::verify_options options;
        options.tolerance = std::chrono::seconds(request.at("toleranceSeconds").get<long>());
        options.now = request.value("now", std::int64_t(0));
        martlet::verify(text("secret"), {id, timestamp, signature}, text("body"), options);
    }

    std::string receiver_;
    std::optional<martlet::engine> engine_;
};

void check_error(const martlet::error &error, const value &wanted) {
    const bool is_named = wanted.at("name") == error.name();
    if (is_named && error.text().find(wanted.value("contains", "")) != std::string_view::npos) return;
    throw mismatch(std::string("gave ") + error.what() + " instead of " + wanted.dump());
}

void take(host &host, const value &step, value &saved) {
    for (const auto &[name, operation] : step.items()) {
        if (name == "save" || name == "expect" || name == "error") continue;
        value result;
        try {
            result = host.perform(name, operation);
        } catch (const martlet::error &error) {
            if (!step.contains("error")) throw mismatch(name + " failed: " + error.what());
            return check_error(error, step["error"]);
        }
        if (step.contains("error")) throw mismatch(name + " did not fail but gave " + result.dump());
        if (step.contains("save")) saved[step["save"].get<std::string>()] = result;
        if (step.contains("expect")) match(result, step["expect"], name);
    }
}

} // namespace

int main(int argc, char **argv) {
    const char *receiver = std::getenv("MARTLET_RECEIVER");
    if (argc != 2 || receiver == nullptr) {
        std::cerr << "MARTLET_RECEIVER=http://127.0.0.1:N runner cases.json\n";
        return 2;
    }
    const value suite = value::parse(std::ifstream(argv[1]));
    int passed = 0, failed = 0;
    for (const value &each : suite.at("cases")) {
        const auto name = each.at("name").get<std::string>();
        std::string folder = (std::filesystem::temp_directory_path() / "martlet-case-XXXXXX").string();
        if (mkdtemp(folder.data()) == nullptr) return 2;
        std::optional<host> host;
        host.emplace(receiver);
        value saved = {{"receiver", receiver}, {"directory", folder + "/journal"}};
        int number = 0;
        try {
            for (const value &step : each.at("steps")) {
                ++number;
                take(*host, fill(step, saved), saved);
            }
            std::cout << "ok " << name << std::endl;
            ++passed;
        } catch (const std::exception &exception) {
            std::cout << "not ok " << name << " (step " << number << ": " << exception.what() << ")" << std::endl;
            ++failed;
        }
        host.reset();
        std::filesystem::remove_all(folder);
    }
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 && passed != 0 ? 0 : 1;
}
