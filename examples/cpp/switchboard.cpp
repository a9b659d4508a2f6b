// A program with an event loop of its own as a host of Martlet: it reads calls from its standard input, one JSON document a
// line, tells them to webhooks, and prints what became of each, all in one thread that sleeps in ppoll().
//
//   switchboard URL [MAX_EVENTS] < calls
//
// When the queue is full it reads no further until there is room, so that nothing is lost and memory stays bounded. At the
// end of its input, or at SIGTERM, it gives what is on its way ten seconds.

#include <martlet.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

namespace {

std::atomic<bool> is_asked_to_end{false};

class switchboard {
public:
    switchboard(const char *url, std::uint64_t max_events, const sigset_t &signals)
        : signals_(signals),
          engine_(martlet::configuration()
                      .environment("development")
                      .outcomes("all")
                      .queue(max_events, 16 << 20)
                      .retry({std::chrono::milliseconds(100), std::chrono::seconds(1)})) {
        engine_.create_webhook(martlet::webhook(url, {"call.*"}).description("switchboard"));
    }

    int run() {
        std::array<pollfd, 2> watched{{{STDIN_FILENO, POLLIN, 0}, {engine_.outcomes_fd(), POLLIN, 0}}};
        while (!is_asked_to_end && !(is_at_end_ && input_.empty())) {
            // With calls that wait for room, only outcomes are waited for.
            watched[0].fd = input_.empty() && !is_at_end_ ? STDIN_FILENO : -1;
            watched[0].revents = watched[1].revents = 0;
            // The signal is let in only here: it cannot slip in between the look at the flag and the sleep.
            if (ppoll(watched.data(), watched.size(), nullptr, &signals_) < 0 && errno != EINTR) return 1;
            if (is_asked_to_end) break;
            if (watched[0].revents != 0) read_input();
            if (watched[1].revents != 0) show_outcomes();
            push_calls();
        }
        const bool is_whole = engine_.close(std::chrono::seconds(10));
        show_outcomes();
        std::cout << told_ << " told, " << missed_ << " missed, " << refused_ << " refused" << std::endl;
        return is_whole ? 0 : 1;
    }

private:
    void read_input() {
        char block[65536];
        const ssize_t count = read(STDIN_FILENO, block, sizeof block);
        if (count < 0 && errno == EINTR) return;
        if (count <= 0) {
            is_at_end_ = true;
            if (!partial_.empty()) partial_ += '\n';
        } else {
            partial_.append(block, static_cast<std::size_t>(count));
        }
        const std::size_t whole = partial_.rfind('\n') + 1;
        input_.append(partial_, 0, whole);
        partial_.erase(0, whole);
    }

    // A refusal is nothing exceptional here: results tell it without a throw.
    void push_calls() {
        std::size_t done = 0;
        for (std::size_t end; (end = input_.find('\n', done)) != std::string::npos; done = end + 1) {
            const std::string_view call(&input_[done], end - done);
            if (call.empty()) continue;
            const auto pushed = engine_.nothrow().push("call.completed", call, number_);
            if (pushed.code() == martlet::status::queue_full) break;
            if (!pushed) {
                std::cout << "call " << number_ << ": " << pushed.error().what() << '\n';
                ++refused_;
            }
            ++number_;
        }
        input_.erase(0, done);
    }

    void show_outcomes() {
        for (const martlet::outcome &outcome : engine_.outcomes(std::chrono::seconds(0))) {
            if (outcome.kind() == martlet::outcome_kind::webhook_disabled) {
                std::cout << "webhook " << outcome.webhook_id() << " is disabled\n";
            } else if (outcome.kind() == martlet::outcome_kind::delivery && !outcome.succeeded()) {
                std::cout << "call " << outcome.tag() << ": " << name(outcome.state()) << " after " << outcome.attempts()
                          << " attempts, " << name(outcome.failure()) << ", HTTP " << outcome.http_status() << '\n';
            } else if (outcome.kind() == martlet::outcome_kind::event) {
                ++(outcome.succeeded() ? told_ : missed_);
            }
        }
    }

    sigset_t signals_;
    martlet::engine engine_;
    std::string partial_, input_;
    bool is_at_end_ = false;
    std::uint64_t number_ = 1;
    unsigned told_ = 0, missed_ = 0, refused_ = 0;
};

} // namespace

int main(int argc, char **argv) {
    if (argc < 2) {
        std::cerr << "switchboard URL [MAX_EVENTS] < calls\n";
        return 2;
    }
    struct sigaction action {};
    action.sa_handler = [](int) { is_asked_to_end = true; };
    sigaction(SIGTERM, &action, nullptr);
    sigset_t blocked, usual;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &usual);
    try {
        return switchboard(argv[1], argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10000, usual).run();
    } catch (const martlet::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
