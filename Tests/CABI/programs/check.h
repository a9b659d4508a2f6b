/* A test harness in one page: a failed check names its place and ends the program. */
#ifndef CHECK_H
#define CHECK_H

#include <martlet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *check_program = "";
static const char *check_test = "";

static inline void check_failed(const char *file, int line, const char *what, const char *more) {
    fprintf(stdout, "not ok %s: %s (%s:%d: %s%s%s)\n", check_program, check_test, file, line, what,
            more[0] != 0 ? " - " : "", more);
    fflush(stdout);
    _exit(1);
}

#define CHECK(condition)                                               \
    do {                                                               \
        if (!(condition)) check_failed(__FILE__, __LINE__, #condition, ""); \
    } while (0)

/* Compares a status with what was expected and prints both names. */
#define CHECK_STATUS(expected, expression)                                                              \
    do {                                                                                                \
        int32_t status_ = (expression);                                                                 \
        if (status_ != (expected)) {                                                                    \
            char more_[200];                                                                            \
            snprintf(more_, sizeof more_, "%s, not %s", martlet_status_name(status_),                   \
                     martlet_status_name(expected));                                                    \
            check_failed(__FILE__, __LINE__, #expression, more_);                                       \
        }                                                                                               \
    } while (0)

/* Like CHECK_STATUS(MARTLET_OK, ...) for calls that fill `char error[MARTLET_ERROR_SIZE]`. */
#define CHECK_OK(expression)                                                        \
    do {                                                                            \
        int32_t status_ = (expression);                                             \
        if (status_ != MARTLET_OK) check_failed(__FILE__, __LINE__, #expression, error); \
        CHECK(error[0] == 0);                                                       \
    } while (0)

#define RUN(test)                                        \
    do {                                                 \
        check_test = #test;                              \
        test();                                          \
        printf("ok %s: %s\n", check_program, check_test); \
        fflush(stdout);                                  \
    } while (0)

static inline martlet_engine_t open_engine(const char *configuration) {
    char error[MARTLET_ERROR_SIZE];
    martlet_engine_t engine = NULL;
    CHECK_OK(martlet_engine_open(configuration, strlen(configuration), &engine, error, sizeof error));
    CHECK(engine != NULL);
    return engine;
}

/* Copies the first string value of a key; good enough for ids, which hold no escapes. */
static inline void json_string(const char *json, const char *key, char *value, size_t size) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *at = strstr(json, quoted);
    CHECK(at != NULL);
    at += strlen(quoted);
    at += strspn(at, " :\n");
    CHECK(*at == '"');
    size_t length = strcspn(at + 1, "\"");
    CHECK(length < size);
    memcpy(value, at + 1, length);
    value[length] = 0;
}

static inline size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
    return count;
}

#endif
