/// What it costs a process to use Martlet at all: load the library, open an engine, close it.
///
/// Each time a fresh process: this program starts itself `--count` times with `--once`, one after the other. The child
/// loads the library with dlopen(), opens an engine in memory with default settings, closes it and writes how long each
/// step took. The library's own dependencies, libcurl and its TLS library, are loaded with it.
#include "measure.h"

#include <dlfcn.h>
#include <getopt.h>
#include <martlet.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 4, MOST = 100000 };

extern char **environ;

/// Milliseconds from just before the library is loaded until each step is done.
struct steps {
    double load, open, close, all;
};

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}

static int use_once(const char *path)
{
    static const char configuration[] = "{\"environment\":\"development\"}";
    char error[MARTLET_ERROR_SIZE] = "";
    martlet_engine_t engine = NULL;
    double start = moment_now().clock;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    // Through a union: ISO C has no conversion from an object's pointer to a function's.
    union {
        void *object;
        __typeof__(martlet_engine_open) *open;
    } open = { .object = symbol(library, "martlet_engine_open") };
    union {
        void *object;
        __typeof__(martlet_engine_close) *close;
    } close = { .object = symbol(library, "martlet_engine_close") };
    union {
        void *object;
        __typeof__(martlet_engine_free) *free;
    } end = { .object = symbol(library, "martlet_engine_free") };
    double loaded = moment_now().clock;
    int32_t code = open.open(configuration, sizeof configuration - 1, &engine, error, sizeof error);
    double opened = moment_now().clock;
    if (code == MARTLET_OK)
        code = close.close(engine, 1000);
    if (code != MARTLET_OK) {
        fprintf(stderr, "the engine answered %d: %s\n", (int)code, error);
        return 1;
    }
    end.free(engine);
    double closed = moment_now().clock;
    struct steps steps = { (loaded - start) * 1e3, (opened - loaded) * 1e3, (closed - opened) * 1e3,
        (closed - start) * 1e3 };
    return write(STDOUT_FILENO, &steps, sizeof steps) == (ssize_t)sizeof steps ? 0 : 1;
}

static struct steps child_run(const char *program, const char *path)
{
    char *const arguments[] = { (char *)program, "--once", "--library", (char *)path, NULL };
    struct steps steps;
    int ends[2], status = 1;
    pid_t child;
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0)
        exit(1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    int failure = posix_spawn(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    ssize_t got = failure ? 0 : read(ends[0], &steps, sizeof steps);
    close(ends[0]);
    if (failure || waitpid(child, &status, 0) != child || status != 0 || got != (ssize_t)sizeof steps) {
        fprintf(stderr, "the process that was to load %s failed\n", path);
        exit(1);
    }
    return steps;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int count, char **arguments)
{
    static const struct option names[] = {
        { "library", required_argument, NULL, 'l' }, { "count", required_argument, NULL, 'n' },
        { "once", no_argument, NULL, 'o' }, { NULL, 0, NULL, 0 },
    };
    const char *path = NULL;
    long times = 100;
    bool once = false;
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (name) {
        case 'l': path = optarg; break;
        case 'n': times = strtol(optarg, NULL, 10); break;
        case 'o': once = true; break;
        default: return 2;
        }
    }
    if (!path || times < 1 || times > MOST) {
        fprintf(stderr, "--library is needed, and --count from 1 to %d\n", MOST);
        return 2;
    }
    if (once)
        return use_once(path);
    child_run("/proc/self/exe", path); // reads the files into the page cache
    double *values[STEPS];
    for (int step = 0; step < STEPS; step++) {
        values[step] = calloc((size_t)times, sizeof(double));
        if (!values[step])
            return 1;
    }
    for (long i = 0; i < times; i++) {
        struct steps steps = child_run("/proc/self/exe", path);
        const double parts[STEPS] = { steps.load, steps.open, steps.close, steps.all };
        for (int step = 0; step < STEPS; step++)
            values[step][i] = parts[step];
    }
    for (int step = 0; step < STEPS; step++)
        qsort(values[step], (size_t)times, sizeof(double), ascending);
    printf("{\"times\":%ld,\"loadMs\":%.3f,\"openMs\":%.3f,\"closeMs\":%.3f,\"allMs\":%.3f,\"slowestMs\":%.3f,"
           "\"peakKiB\":%ld}\n",
        times, values[0][times / 2], values[1][times / 2], values[2][times / 2], values[3][times / 2],
        values[3][times - 1], peak_kib());
    for (int step = 0; step < STEPS; step++)
        free(values[step]);
    return 0;
}
