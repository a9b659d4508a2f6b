#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/// Of every URL that is written: the receiver speaks TLS when an authority was named that vouches for it.
static const char *scheme = "http";

static long number(const char *text, long least, long most)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < least || value > most) {
        fprintf(stderr, "%s is not a number from %ld to %ld\n", text, least, most);
        exit(2);
    }
    return value;
}

struct options options_read(int count, char **arguments)
{
    static const struct option names[] = {
        { "port", required_argument, NULL, 'p' },      { "hosts", required_argument, NULL, 'h' },
        { "headers", required_argument, NULL, 'H' },   { "body", required_argument, NULL, 'b' },
        { "count", required_argument, NULL, 'n' },     { "warm-up", required_argument, NULL, 'w' },
        { "in-flight", required_argument, NULL, 'i' }, { "stamps", required_argument, NULL, 's' },
        { "mode", required_argument, NULL, 'm' },      { "data", required_argument, NULL, 'd' },
        { "lanes", required_argument, NULL, 'l' },     { "webhooks", required_argument, NULL, 'W' },
        { "fan-out", no_argument, NULL, 'f' },         { "no-match", no_argument, NULL, 'N' },
        { "hanging", required_argument, NULL, 'g' },   { "hanging-port", required_argument, NULL, 'P' },
        { "per-webhook", required_argument, NULL, 'e' }, { "batch", required_argument, NULL, 'B' },
        { "directory", required_argument, NULL, 'D' }, { "sync", required_argument, NULL, 'S' },
        { "threads", required_argument, NULL, 't' },   { "segment-bytes", required_argument, NULL, 'G' },
        { "cold", no_argument, NULL, 'c' },            { "window", required_argument, NULL, 'x' },
        { "authority", required_argument, NULL, 'a' }, { "multis", required_argument, NULL, 'M' },
        { NULL, 0, NULL, 0 },
    };
    struct options options = {
        .hosts = 1, .count = 10000, .warm_up = 500, .in_flight = 64, .mode = "deliver", .lanes = 1, .webhooks = 8,
        .per_webhook = 4, .multis = 1, .batch = 1, .sync = "interval", .threads = 1, .window = 4096,
    };
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (name) {
        case 'p': options.port = (int)number(optarg, 1, 65535); break;
        case 'h': options.hosts = (int)number(optarg, 1, 65535); break;
        case 'H': options.headers = optarg; break;
        case 'b': options.body = optarg; break;
        case 'n': options.count = number(optarg, 1, INT_MAX); break;
        case 'w': options.warm_up = number(optarg, 0, INT_MAX); break;
        case 'i': options.in_flight = (int)number(optarg, 1, 65535); break;
        case 's': options.stamps = optarg; break;
        case 'm': options.mode = optarg; break;
        case 'd': options.data = optarg; break;
        case 'l': options.lanes = (int)number(optarg, 1, 64); break;
        case 'W': options.webhooks = (int)number(optarg, 1, INT_MAX); break;
        case 'f': options.fan_out = true; break;
        case 'N': options.no_match = true; break;
        case 'e': options.per_webhook = (int)number(optarg, 1, 4096); break;
        case 'g': options.hanging = (int)number(optarg, 0, INT_MAX); break;
        case 'P': options.hanging_port = (int)number(optarg, 1, 65535); break;
        case 'B': options.batch = (int)number(optarg, 1, 100000); break;
        case 'D': options.directory = optarg; break;
        case 'S': options.sync = optarg; break;
        case 't': options.threads = (int)number(optarg, 1, 256); break;
        case 'G': options.segment_bytes = number(optarg, 65536, INT_MAX); break;
        case 'c': options.cold = true; break;
        case 'x': options.window = number(optarg, 1, INT_MAX); break;
        case 'a': options.authority = optarg; break;
        case 'M': options.multis = (int)number(optarg, 1, 64); break;
        default: exit(2);
        }
    }
    if (options.authority)
        scheme = "https";
    if (options.port == 0 || optind != count) {
        fprintf(stderr, "--port is needed, and only options are taken\n");
        exit(2);
    }
    return options;
}

char *file_read(const char *path, size_t *size)
{
    FILE *file = path ? fopen(path, "rb") : NULL;
    size_t room = 1 << 16, used = 0;
    char *text = malloc(room + 1);
    if (!file || !text) {
        fprintf(stderr, "cannot read %s\n", path ? path : "a file that was not named");
        exit(1);
    }
    for (size_t got; (got = fread(text + used, 1, room - used, file)) > 0;) {
        used += got;
        if (used == room) {
            text = realloc(text, 2 * room + 1);
            if (!text)
                exit(1);
            room *= 2;
        }
    }
    fclose(file);
    text[used] = 0;
    *size = used;
    return text;
}

void url_write(char *text, size_t size, int host, int port)
{
    unsigned address = 0x7f000001u + (unsigned)host;
    snprintf(text, size, "%s://%u.%u.%u.%u:%d/webhook", scheme, address >> 24, address >> 16 & 255, address >> 8 & 255,
        address & 255, port);
}

void files_limit_raise(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}
