/* The library opened at run time: found by its symbols, used, closed, and opened again. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <martlet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int condition, const char *what) {
    if (condition) return;
    printf("not ok loaded: %s\n", what);
    exit(1);
}

/* ISO C has no cast from an object pointer to a function pointer; POSIX promises that the bytes are the same. */
#define SYMBOL(variable, name)                                    \
    do {                                                          \
        void *symbol_ = dlsym(library, name);                     \
        must(symbol_ != NULL, name);                              \
        memcpy(&(variable), &symbol_, sizeof symbol_);            \
    } while (0)

int main(int count, char **arguments) {
    must(count == 2, "takes the library's path");
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
        must(library != NULL, "dlopen");
        int32_t (*open)(const char *, size_t, martlet_engine_t *, char *, size_t);
        int32_t (*push)(martlet_engine_t, const char *, size_t, const char *, size_t, uint64_t, char *, char *, size_t);
        int32_t (*close)(martlet_engine_t, int64_t);
        void (*release)(martlet_engine_t);
        SYMBOL(open, "martlet_engine_open");
        SYMBOL(push, "martlet_push");
        SYMBOL(close, "martlet_engine_close");
        SYMBOL(release, "martlet_engine_free");
        martlet_engine_t engine = NULL;
        must(open("{}", 2, &engine, NULL, 0) == MARTLET_OK, "open");
        must(push(engine, "call.placed", 11, "{}", 2, 0, NULL, NULL, 0) == MARTLET_OK, "push");
        must(close(engine, 1000) == MARTLET_OK, "close");
        /* The last round leaves the engine open when the library is closed. */
        if (round < 2) release(engine);
        must(dlclose(library) == 0, "dlclose");
        printf("ok loaded: round %d\n", round + 1);
    }
    return 0;
}
