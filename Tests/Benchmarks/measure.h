/// What a benchmark client measures about itself, and the JSON line it prints at the end.
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

/// A moment: seconds of the monotonic clock, and the CPU seconds that this process (all threads) has used so far.
struct moment {
    double clock;
    double user;
    double system;
    double thread; // CPU seconds, user and system, of the calling thread alone
};

struct moment moment_now(void);

/// The most memory this process ever held resident, in KiB.
///
/// From VmHWM, not from `ru_maxrss`: the latter starts at the size of the process that started this one.
long peak_kib(void);

/// The memory that this process holds resident now, in KiB.
long resident_kib(void);

/// The parts of the resident memory, in KiB: what only this process can hold, and pages of files, which the system
/// drops and reads again as it likes (the mapped journal, and the program's own code).
struct resident {
    long anonymous; // RssAnon
    long file;      // RssFile and RssShmem
};

struct resident resident_now(void);

/// Prints {"deliveries":…,"seconds":…,"user":…,"system":…,"peakKiB":…}.
void print_deliveries(long deliveries, struct moment from, struct moment to);

/// Prints {"pushes":…,"seconds":…,"threadSeconds":…,"user":…,"system":…,"peakKiB":…}.
void print_pushes(long pushes, struct moment from, struct moment to);

void nanoseconds_sort(uint64_t *nanoseconds, long count);

/// The nearest-rank percentile of sorted nanoseconds, in microseconds; 0 of none.
double percentile(const uint64_t *sorted, long count, double percent);

/// Sorts the nanoseconds and prints {"pushes":…,"p50":…,"p99":…,"peakKiB":…} with the percentiles in microseconds.
void print_latencies(uint64_t *nanoseconds, long count);

#endif
