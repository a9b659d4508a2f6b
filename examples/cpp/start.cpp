#include <iostream>
#include <martlet.hpp>

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "http://127.0.0.1:3000/subverse/webhook";
    try {
        martlet::engine engine(martlet::configuration().environment("development").outcomes("deliveries"));
        engine.create_webhook(martlet::webhook(url, {"call.*"}));

        auto call = martlet::object().set("callId", "call_1").set("callStatus", "completed").set("callDuration", 185);
        std::cout << "pushed " << engine.push("call.completed", call).str() << '\n';

        engine.flush(std::chrono::seconds(40)); // time for the delivery and its retries
        for (const martlet::outcome &outcome : engine.outcomes(std::chrono::seconds(0))) {
            std::cout << name(outcome.state()) << ": attempts " << outcome.attempts() << ", HTTP "
                      << outcome.http_status() << '\n';
        }
        engine.close(std::chrono::seconds(1));
    } catch (const martlet::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
