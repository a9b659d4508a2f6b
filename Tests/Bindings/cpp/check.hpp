// What the C++ tests share: checks that print, a receiver within the process, and an engine for it.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <martlet.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct tally {
    int passed = 0;
    int failed = 0;

    void test(const char *name, void (*body)()) {
        const int before = failures();
        body();
        const bool is_good = failures() == before;
        ++(is_good ? passed : failed);
        std::printf("%s %s\n", is_good ? "ok" : "not ok", name);
        std::fflush(stdout);
    }

    int end() const {
        std::printf("%d passed, %d failed\n", passed, failed);
        return failed == 0 && passed != 0 ? 0 : 1;
    }

    static std::atomic<int> &count() {
        static std::atomic<int> failures{0};
        return failures;
    }
    static int failures() { return count(); }
};

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            ++tally::count();                                                             \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);  \
        }                                                                                 \
    } while (0)

inline void check_equal(std::string_view got, std::string_view wanted, int line) {
    if (got == wanted) return;
    ++tally::count();
    std::fprintf(stderr, "line %d: got %.*s\n        wanted %.*s\n", line, static_cast<int>(got.size()), got.data(),
                 static_cast<int>(wanted.size()), wanted.data());
}

#define CHECK_EQUAL(got, wanted) check_equal(got, wanted, __LINE__)

/** Answers each request with the next of some statuses, the last one from then on, and keeps the bodies. */
class receiver {
public:
    explicit receiver(std::vector<int> statuses) : statuses_(std::move(statuses)) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto *generic = reinterpret_cast<sockaddr *>(&address);
        if (bind(listener_, generic, length) != 0 || listen(listener_, 64) != 0 ||
            getsockname(listener_, generic, &length) != 0) {
            std::perror("receiver");
            std::exit(2);
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }

    ~receiver() {
        shutdown(listener_, SHUT_RDWR);
        thread_.join();
        close(listener_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

    std::vector<std::string> requests() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return requests_;
    }

private:
    // One connection at a time, closed after its answer.
    void serve() {
        for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
            std::string request;
            char block[4096];
            std::size_t head = std::string::npos, length = 0;
            while (head == std::string::npos || request.size() < head + 4 + length) {
                const ssize_t count = recv(peer, block, sizeof block, 0);
                if (count <= 0) break;
                request.append(block, static_cast<std::size_t>(count));
                head = request.find("\r\n\r\n");
                std::string lower = request;
                std::transform(lower.begin(), lower.end(), lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
                const std::size_t field = lower.find("\r\ncontent-length:");
                if (field != std::string::npos) length = std::strtoul(lower.c_str() + field + 17, nullptr, 10);
            }
            int status = 0;
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                status = statuses_[std::min(requests_.size(), statuses_.size() - 1)];
                requests_.push_back(request);
            }
            const std::string answer =
                "HTTP/1.1 " + std::to_string(status) + " x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
    }

    std::vector<int> statuses_;
    int listener_ = -1;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::thread thread_;
};

inline martlet::configuration development() { return martlet::configuration().environment("development"); }

#endif
