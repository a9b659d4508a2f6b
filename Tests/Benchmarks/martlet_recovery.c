/// `recovery`: how long an engine takes to open with what a killed process left in its journal.
///
/// A child process opens the directory, registers `--webhooks` webhooks, pushes `--count` events and ends without
/// closing, as one that is killed does. The receiver must hold its answers back for longer than an attempt may take
/// (start the sink with `--delay-ms`), so that all of them are pending. With `--no-match` it is `--count` webhooks that
/// come back, and no event. With `--cold` what the child wrote is then forced to the disk and dropped from the page
/// cache, as after the machine was started anew. This process then opens the directory, and pushes one event more.
#include "martlet_bench.h"

#include "martlet_host.h"
#include "measure.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void fill(const struct options *options)
{
    pid_t child = fork();
    if (child == 0) {
        struct host host = host_open(options, options->count + 1);
        host_add_webhooks(&host);
        for (long i = 0; i < options->count; i++)
            host_push(&host, i);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "the process that was to fill the journal failed\n");
        exit(1);
    }
}

/// What the directory's files take of the disk; with `drop` their pages are written and leave the page cache.
static long long directory_visit(const char *path, bool drop)
{
    long long bytes = 0;
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        int file = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct stat info;
        if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
            bytes += (long long)info.st_blocks * 512;
            if (drop && (fdatasync(file) != 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)) {
                perror(entry->d_name);
                exit(1);
            }
        }
        if (file >= 0)
            close(file);
    }
    if (directory)
        closedir(directory);
    return bytes;
}

static void expect(long long found, long long wanted, const char *what)
{
    if (found == wanted)
        return;
    fprintf(stderr, "%lld %s came back, not %lld\n", found, what, wanted);
    exit(1);
}

void measure_recovery(const struct options *asked)
{
    struct options options = *asked;
    if (options.no_match) {
        options.webhooks = (int)options.count;
        options.count = 0;
    }
    if (!options.directory) {
        fprintf(stderr, "--mode recovery needs --directory\n");
        exit(2);
    }
    fill(&options);
    long long bytes = directory_visit(options.directory, options.cold);

    struct moment from = moment_now();
    struct host host = host_open(&options, options.count + 1);
    struct moment opened = moment_now();
    host_push(&host, 0);
    struct moment to = moment_now();

    expect(api_statistic(host.engine, "recovery", "events"), options.count, "events");
    expect(api_statistic(host.engine, "recovery", "webhooks"), options.webhooks, "webhooks");
    struct resident resident = resident_now();
    printf("{\"recovered\":%ld,\"openSeconds\":%.6f,\"pushSeconds\":%.6f,\"cpuSeconds\":%.6f,\"directoryBytes\":%lld,"
           "\"anonymousKiB\":%ld,\"fileKiB\":%ld,\"peakKiB\":%ld}\n",
        asked->count, opened.clock - from.clock, to.clock - opened.clock,
        opened.user - from.user + opened.system - from.system, bytes, resident.anonymous, resident.file, peak_kib());
    host_end(&host);
}
