/// What the C and the C++ host of the benchmark share: their command line, and the JSON line they print.
#ifndef BINDINGS_HOST_H
#define BINDINGS_HOST_H

#include "../measure.h"
#include "../options.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 4096 }; // deliveries that may be under way or queued; with more, only memory would be measured

/// The value of an option; ends the process where it is missing.
static inline const char *option(int count, char **arguments, const char *name)
{
    for (int i = 1; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], name) == 0)
            return arguments[i + 1];
    }
    fprintf(stderr, "%s is needed\n", name);
    exit(2);
}

static inline long option_number(int count, char **arguments, const char *name)
{
    return strtol(option(count, arguments, name), NULL, 10);
}

/// Prints {"THINGS":…,"seconds":…,"threadSeconds":…,"user":…,"system":…,"peakKiB":…}.
static inline void print_result(const char *things, long number, struct moment from, struct moment to)
{
    printf("{\"%s\":%ld,\"seconds\":%.6f,\"threadSeconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%ld}\n",
        things, number, to.clock - from.clock, to.thread - from.thread, to.user - from.user, to.system - from.system,
        peak_kib());
}

#endif
