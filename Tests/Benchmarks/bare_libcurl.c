/// The bare loop that Martlet is compared with: `curl_multi_socket_action` with epoll, and nothing else.
///
/// Written as a C programmer who knows libcurl writes it: easy handles are made once and reused, connections are kept
/// alive, the callbacks change epoll interest when libcurl asks, and a finished handle is given its next delivery at
/// once. There is no queue, no matching, no signing, no log: the headers are constants.
///
/// With `--multis` the hosts are dealt to so many multi handles: libcurl looks through all connections of one when a
/// transfer ends, so many hosts in flight cost less in several.
///
/// With `--version` alone it prints libcurl's version. With `--stamps` it delivers one at a time and prints how long
/// each took from its start to the sink's first byte.
#include "measure.h"
#include "options.h"
#include "stamps.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>

/// A multi handle. Of the hosts those are its own whose number leaves its own, divided by the number of multi handles.
struct loop {
    int number;
    CURLM *multi;
    double timeout_at; // monotonic seconds of libcurl's timer; negative when there is none
    long started;
};

static struct {
    struct options options;
    struct loop *loops;
    int epoll;
    long started, ended;
    char **urls;
    uint64_t *starts; // when each delivery was started, with `--stamps`
} bare;

static double clock_seconds(void)
{
    return (double)monotonic_nanoseconds() / 1e9;
}

static int on_socket(CURL *easy, curl_socket_t socket, int wants, void *of_loop, void *known)
{
    struct loop *loop = of_loop;
    (void)easy;
    if (wants == CURL_POLL_REMOVE) {
        epoll_ctl(bare.epoll, EPOLL_CTL_DEL, socket, NULL);
        return 0;
    }
    struct epoll_event event = { .data.u64 = (uint64_t)loop->number << 32 | (uint32_t)socket };
    if (wants & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (wants & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    epoll_ctl(bare.epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
    if (!known)
        curl_multi_assign(loop->multi, socket, loop);
    return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *of_loop)
{
    (void)multi;
    ((struct loop *)of_loop)->timeout_at = milliseconds < 0 ? -1 : clock_seconds() + (double)milliseconds / 1e3;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *unused)
{
    (void)bytes;
    (void)unused;
    return size * count;
}

static void start(struct loop *loop, CURL *easy)
{
    int multis = bare.options.multis, hosts = bare.options.hosts / multis;
    if (hosts > 1)
        curl_easy_setopt(easy, CURLOPT_URL, bare.urls[loop->number + loop->started % hosts * multis]);
    if (bare.starts)
        bare.starts[bare.started] = monotonic_nanoseconds();
    bare.started += 1;
    loop->started += 1;
    curl_multi_add_handle(loop->multi, easy);
}

/// Takes the finished transfers; each handle goes on with the next delivery until `wanted` have been started.
static void take_finished(struct loop *loop, long wanted)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left)) != NULL;) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (result != CURLE_OK || status != 200) {
            fprintf(stderr, "a delivery failed: %s, status %ld\n", curl_easy_strerror(result), status);
            exit(1);
        }
        curl_multi_remove_handle(loop->multi, easy);
        bare.ended += 1;
        if (bare.started < wanted)
            start(loop, easy);
    }
}

/// Delivers until `wanted` deliveries, counted from the beginning of the process, have ended.
static void deliver(CURL **handles, long wanted)
{
    int running;
    for (int i = 0; i < bare.options.in_flight && bare.started < wanted; i++)
        start(&bare.loops[i % bare.options.multis], handles[i]);
    while (bare.ended < wanted) {
        struct epoll_event events[64];
        int wait = -1;
        for (struct loop *loop = bare.loops; loop < bare.loops + bare.options.multis; loop++) {
            if (loop->timeout_at < 0)
                continue;
            double left = (loop->timeout_at - clock_seconds()) * 1e3;
            int own = left > 0 ? (int)left + 1 : 0;
            if (wait < 0 || own < wait)
                wait = own;
        }
        int count = epoll_wait(bare.epoll, events, 64, wait);
        for (int i = 0; i < count; i++) {
            int mask = 0;
            if (events[i].events & EPOLLIN)
                mask |= CURL_CSELECT_IN;
            if (events[i].events & EPOLLOUT)
                mask |= CURL_CSELECT_OUT;
            if (events[i].events & (EPOLLERR | EPOLLHUP))
                mask |= CURL_CSELECT_ERR;
            struct loop *loop = &bare.loops[events[i].data.u64 >> 32];
            curl_multi_socket_action(loop->multi, (int)(uint32_t)events[i].data.u64, mask, &running);
        }
        for (struct loop *loop = bare.loops; loop < bare.loops + bare.options.multis; loop++) {
            if (loop->timeout_at >= 0 && clock_seconds() >= loop->timeout_at) {
                loop->timeout_at = -1;
                curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
            }
            take_finished(loop, wanted);
        }
    }
}

static struct curl_slist *read_headers(const char *path)
{
    size_t size;
    char *text = file_read(path, &size);
    struct curl_slist *headers = NULL;
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n"))
        headers = curl_slist_append(headers, line);
    free(text);
    return headers;
}

static CURL *make_handle(struct curl_slist *headers, const char *body, size_t size)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        exit(1);
    curl_easy_setopt(easy, CURLOPT_URL, bare.urls[0]);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (bare.options.authority)
        curl_easy_setopt(easy, CURLOPT_CAINFO, bare.options.authority);
    return easy;
}

/// Prints the time from each measured delivery's start to its stamp.
static void print_stamped(void)
{
    struct stamps *stamps = stamps_map(bare.options.stamps, 0);
    unsigned count = (unsigned)atomic_load(&stamps->count);
    if (count != bare.ended) {
        fprintf(stderr, "the sink has %u stamps for %ld deliveries\n", count, bare.ended);
        exit(1);
    }
    uint64_t *taken = bare.starts + bare.options.warm_up;
    for (long i = 0; i < bare.options.count; i++)
        taken[i] = stamps->nanoseconds[bare.options.warm_up + i] - taken[i];
    print_latencies(taken, bare.options.count);
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--version") == 0) {
        printf("%s\n", curl_version_info(CURLVERSION_NOW)->version);
        return 0;
    }
    bare.options = options_read(count, arguments);
    int multis = bare.options.multis;
    if (bare.options.hosts % multis != 0 || bare.options.in_flight % multis != 0) {
        fprintf(stderr, "--hosts and --in-flight have to be multiples of --multis\n");
        return 2;
    }
    long total = bare.options.warm_up + bare.options.count;
    if (bare.options.stamps) {
        bare.options.in_flight = 1; // so that stamps are in the order of the deliveries
        bare.starts = calloc((size_t)total, sizeof *bare.starts);
    }
    files_limit_raise();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    bare.epoll = epoll_create1(EPOLL_CLOEXEC);
    bare.loops = calloc((size_t)multis, sizeof *bare.loops);
    for (int i = 0; bare.loops && i < multis; i++) {
        bare.loops[i] = (struct loop) { .number = i, .multi = curl_multi_init(), .timeout_at = -1 };
        CURLM *multi = bare.loops[i].multi;
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &bare.loops[i]);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &bare.loops[i]);
        // One kept connection for each host, even where there are more hosts than deliveries in flight.
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)bare.options.in_flight + bare.options.hosts);
    }

    size_t size;
    char *body = file_read(bare.options.body, &size);
    struct curl_slist *headers = read_headers(bare.options.headers);
    bare.urls = calloc((size_t)bare.options.hosts, sizeof *bare.urls);
    CURL **handles = calloc((size_t)bare.options.in_flight, sizeof *handles);
    if (!bare.loops || !bare.urls || !handles || (bare.options.stamps && !bare.starts))
        return 1;
    for (int i = 0; i < bare.options.hosts; i++) {
        bare.urls[i] = malloc(64);
        if (!bare.urls[i])
            return 1;
        url_write(bare.urls[i], 64, i, bare.options.port);
    }
    for (int i = 0; i < bare.options.in_flight; i++)
        handles[i] = make_handle(headers, body, size);

    deliver(handles, bare.options.warm_up);
    struct moment from = moment_now();
    deliver(handles, total);
    struct moment to = moment_now();
    if (bare.options.stamps)
        print_stamped();
    else
        print_deliveries(bare.options.count, from, to);

    for (int i = 0; i < bare.options.in_flight; i++)
        curl_easy_cleanup(handles[i]);
    for (int i = 0; i < multis; i++)
        curl_multi_cleanup(bare.loops[i].multi);
    free(bare.loops);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    for (int i = 0; i < bare.options.hosts; i++)
        free(bare.urls[i]);
    free(bare.urls);
    free(handles);
    free(bare.starts);
    free(body);
    return 0;
}
