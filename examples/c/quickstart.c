/*
 * Registers a webhook, pushes events from files, follows them until they are delivered, and prints what became of each.
 *
 *   quickstart URL EVENT.json...      the secret of the webhook comes in WEBHOOK_SECRET
 *
 * Martlet answers with JSON documents; jansson reads them here, as any JSON library would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <martlet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char error[MARTLET_ERROR_SIZE];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "quickstart: %s: %s\n", what, why);
    exit(1);
}

/* Ends the program with the library's own words where a call failed. */
static void check(const char *what, int32_t status) {
    if (status != MARTLET_OK) fail(what, error[0] ? error : martlet_status_text(status));
}

/* Reads a document that the library gave, and frees its text. */
static json_t *parse(char *text) {
    json_error_t why;
    json_t *document = json_loads(text, 0, &why);
    martlet_free(text);
    if (document == NULL) fail("answer", why.text);
    return document;
}

static const char *text_of(json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* ---- Webhook and events ---- */

/* `outcomes` asks the engine to tell how each delivery and each event ended. */
static martlet_engine_t open_engine(void) {
    const char *configuration = "{\"environment\":\"development\",\"outcomes\":\"all\"}";
    martlet_engine_t engine;
    check("open", martlet_engine_open(configuration, strlen(configuration), &engine, error, sizeof error));
    return engine;
}

static void create_webhook(martlet_engine_t engine, const char *url, const char *secret) {
    json_t *webhook = json_pack("{s:s, s:[s, s], s:s, s:{s:s}}", "url", url, "events", "call.*", "workflow.*",  //
                                "secret", secret, "headers", "X-Client-ID", "quickstart");
    char *document = webhook == NULL ? NULL : json_dumps(webhook, JSON_COMPACT);
    if (document == NULL) fail("webhook", "URL and secret must be UTF-8");
    char *json;
    check("webhook", martlet_webhook_create(engine, document, strlen(document), &json, NULL, error, sizeof error));
    json_t *stored = parse(json);
    printf("  webhook %s -> %s\n", text_of(stored, "id"), text_of(stored, "url"));
    free(document);
    json_decref(webhook);
    json_decref(stored);
}

/* Appends a file as one line: a line break in JSON is only ever white space. */
static void append_event(FILE *lines, const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) fail(path, strerror(errno));
    for (int byte; (byte = fgetc(file)) != EOF;) fputc(byte == '\n' ? ' ' : byte, lines);
    fputc('\n', lines);
    fclose(file);
}

/* One call takes any number of events, one a line. Gives back how many. */
static size_t push_files(martlet_engine_t engine, char **paths, int count) {
    char *text = NULL;
    size_t length = 0;
    FILE *lines = open_memstream(&text, &length);
    if (lines == NULL) fail("events", strerror(errno));
    for (int i = 0; i < count; i++) append_event(lines, paths[i]);
    fclose(lines);
    size_t accepted = 0;
    int32_t status = martlet_push_json(engine, text, length, &accepted, NULL, error, sizeof error);
    free(text);
    check("push", status);
    printf("  %zu events pushed\n", accepted);
    return accepted;
}

/* ---- Outcomes ---- */

static void print_outcome(const martlet_outcome_t *outcome) {
    if (outcome->kind != MARTLET_OUTCOME_DELIVERY) return;
    const char *state = outcome->state == MARTLET_STATE_SUCCEEDED ? "delivered" : "not delivered";
    printf("  %s: %s, attempt %u, HTTP %u\n", outcome->event_id, state, outcome->attempts, outcome->http_status);
}

/* An event loop in small: waits on the descriptor, polls until it is empty, until so many events are settled. */
static void follow(martlet_engine_t engine, size_t events) {
    struct pollfd waiting = {.events = POLLIN};
    check("outcomes", martlet_outcomes_fd(engine, &waiting.fd));
    while (events > 0) {
        int ready = poll(&waiting, 1, 60000);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) fail("outcomes", ready == 0 ? "none came for a minute" : strerror(errno));
        martlet_outcome_t batch[32];
        size_t count;
        do {
            check("outcomes", martlet_outcomes_poll(engine, batch, sizeof batch[0], 32, &count));
            for (size_t i = 0; i < count; i++) {
                print_outcome(&batch[i]);
                if (batch[i].kind == MARTLET_OUTCOME_EVENT) events--;
            }
        } while (count == 32);
        fflush(stdout);
    }
}

/* ---- Table ---- */

/* Milliseconds since 1970 of "2025-12-08T10:30:00.123Z". */
static long long milliseconds(const char *timestamp) {
    struct tm time = {0};
    const char *rest = strptime(timestamp, "%Y-%m-%dT%H:%M:%S", &time);
    double fraction = rest == NULL || *rest != '.' ? 0 : strtod(rest, NULL);
    return (long long)timegm(&time) * 1000 + (long long)(fraction * 1000 + 0.5);
}

/* The answers of all attempts, "503 200". */
static void print_answers(json_t *attempts, char *buffer, size_t size) {
    size_t index, used = 0;
    json_t *attempt;
    buffer[0] = 0;
    json_array_foreach(attempts, index, attempt) {
        json_t *status = json_object_get(attempt, "status");
        char answer[24] = "";
        if (json_is_integer(status)) snprintf(answer, sizeof answer, "%d", (int)json_integer_value(status));
        const char *shown = answer[0] ? answer : text_of(attempt, "errorClass");
        int written = snprintf(buffer + used, size - used, "%s%s", index ? " " : "", shown);
        if (written < 0 || (size_t)written >= size - used) return;
        used += (size_t)written;
    }
}

static bool print_row(json_t *delivery) {
    char answers[64];
    const char *state = text_of(delivery, "state");
    print_answers(json_object_get(delivery, "attempts"), answers, sizeof answers);
    printf("  %-24s %-10s %8lld  %-12s %8lld\n", text_of(delivery, "eventType"), state,
           (long long)json_integer_value(json_object_get(delivery, "attemptCount")), answers,
           milliseconds(text_of(delivery, "settledAt")) - milliseconds(text_of(delivery, "createdAt")));
    return strcmp(state, "succeeded") == 0;
}

/* True where every event that was pushed shows up as delivered. */
static bool print_deliveries(martlet_engine_t engine, size_t expected) {
    char *json;
    check("deliveries", martlet_deliveries(engine, "{\"limit\":1000}", 14, &json, NULL, error, sizeof error));
    json_t *page = parse(json);
    json_t *deliveries = json_object_get(page, "deliveries");
    size_t succeeded = 0;
    printf("\n  %-24s %-10s %8s  %-12s %8s\n", "EVENT", "STATE", "ATTEMPTS", "HTTP", "TOTAL MS");
    /* The newest come first. */
    for (size_t i = json_array_size(deliveries); i-- > 0;) succeeded += print_row(json_array_get(deliveries, i));
    printf("\n  %zu of %zu delivered\n", succeeded, expected);
    json_decref(page);
    return succeeded == expected;
}

int main(int argc, char **argv) {
    const char *secret = getenv("WEBHOOK_SECRET");
    if (argc < 3 || secret == NULL) {
        fprintf(stderr, "usage: WEBHOOK_SECRET=whsec_... quickstart URL EVENT.json...\n");
        return 2;
    }
    martlet_engine_t engine = open_engine();
    create_webhook(engine, argv[1], secret);
    size_t events = push_files(engine, argv + 2, argc - 2);
    follow(engine, events);
    check("close", martlet_engine_close(engine, 10000));
    bool all = print_deliveries(engine, events);
    martlet_engine_free(engine);
    return all ? 0 : 1;
}
