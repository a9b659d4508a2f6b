/// The C++ host of the benchmark, see hosts.py for what is measured.
extern "C" {
#include "host.h"
}

#include <martlet.hpp>

#include <string>
#include <vector>

namespace {

constexpr std::string_view type = "call.completed";

/// What a C++ program has as data: a struct, of which it builds the object for each push.
struct call {
    std::string call_id, customer_number, status, agent_id, direction, transcript, sentiment;
    int duration = 185;
    double score = 0.93;

    martlet::object object() const {
        martlet::object analysis;
        analysis.set("sentiment", sentiment).set("score", score).set("tags", {"delivery", "late"});
        martlet::object call;
        call.set("callId", call_id).set("customerNumber", customer_number).set("callStatus", status);
        call.set("agentId", agent_id).set("callDuration", duration).set("callDirection", direction);
        call.set("analysis", analysis).set("transcript", transcript);
        return call;
    }
};

/// As much data as the ready one: the transcript makes up for what is left out.
call call_of(std::size_t size) {
    call value = {"call_xyz789", "+91xxxxxxxxxx", "call_placed", "agent_123", "outbound", "", "positive"};
    const std::size_t rest = value.object().text().size();
    while (value.transcript.size() + rest < size) value.transcript += "My order has not arrived. ";
    value.transcript.resize(size > rest ? size - rest : 0);
    return value;
}

struct host {
    martlet::engine engine;
    std::string data, lines;
    call value;
    std::vector<std::string> each;
    std::string form;
    long batch;

    host(int count, char **arguments)
        : engine(option(count, arguments, "--configuration")), form(option(count, arguments, "--form")),
          batch(option_number(count, arguments, "--batch")) {
        std::size_t size = 0;
        char *read = file_read(option(count, arguments, "--data"), &size);
        data.assign(read, size);
        free(read);
        value = call_of(size);
        for (long i = 0; i < batch; i++) {
            each.push_back(data);
            lines.append("{\"eventType\":\"").append(type).append("\",\"data\":").append(data).append("}\n");
        }
        engine.create_webhook(option(count, arguments, "--webhook"));
    }

    void push_batch() {
        if (form == "ready") {
            engine.push_json(lines);
            return;
        }
        std::vector<martlet::event> events;
        events.reserve(each.size());
        for (const std::string &text : each) {
            if (form == "native") events.emplace_back(type, value.object());
            else events.emplace_back(type, martlet::json{text});
        }
        engine.push_many(events);
    }

    void push(long total) {
        for (long done = 0; done < total; done += batch) {
            if (batch > 1) push_batch();
            else if (form == "native") engine.push(type, value.object(), static_cast<std::uint64_t>(done));
            else engine.push(type, data, static_cast<std::uint64_t>(done));
        }
    }

    void send(long total) {
        for (long pushed = 1; pushed <= total; pushed++) {
            engine.push(type, data, static_cast<std::uint64_t>(pushed));
            if ((pushed % WINDOW == 0 || pushed == total) && !engine.flush(std::chrono::minutes(1)))
                throw std::runtime_error("not all was settled within a minute");
        }
    }

    void deliver(long total) {
        std::vector<martlet::outcome> outcomes(256);
        for (long pushed = 0, settled = 0; settled < total;) {
            for (; pushed < total && pushed - settled < WINDOW; pushed++)
                engine.push(type, data, static_cast<std::uint64_t>(pushed));
            const long until = pushed == total ? total : pushed - WINDOW / 2;
            while (settled < until) {
                const std::size_t count = engine.wait(outcomes.data(), outcomes.size(), std::chrono::seconds(10));
                if (count == 0) throw std::runtime_error("no outcome within ten seconds");
                for (std::size_t i = 0; i < count; i++) {
                    if (!outcomes[i].succeeded()) throw std::runtime_error(name(outcomes[i].failure()));
                }
                settled += static_cast<long>(count);
            }
        }
    }

    void drain(long total) {
        for (const martlet::outcome &outcome : engine.outcomes(std::chrono::seconds(10))) {
            if (outcome.kind() == martlet::outcome_kind::delivery && --total == 0) break;
        }
    }
};

} // namespace

int main(int count, char **arguments) try {
    host host(count, arguments);
    const std::string mode = option(count, arguments, "--mode");
    const long total = option_number(count, arguments, "--count");
    const long warm_up = option_number(count, arguments, "--warm-up");
    struct moment from;
    if (mode == "push") {
        host.push(warm_up);
        from = moment_now();
        host.push(total);
        print_result("pushes", total, from, moment_now());
    } else if (mode == "drain") {
        host.push(total);
        host.engine.cancel_deliveries();
        host.engine.flush(std::chrono::seconds(60));
        from = moment_now();
        host.drain(total);
        print_result("outcomes", total, from, moment_now());
    } else if (mode == "send") {
        host.send(warm_up);
        from = moment_now();
        host.send(total);
        print_result("deliveries", total, from, moment_now());
    } else {
        host.deliver(warm_up);
        from = moment_now();
        host.deliver(total);
        print_result("deliveries", total, from, moment_now());
    }
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
