/// First-byte stamps that the sink shares with a benchmark client on the same host.
///
/// The sink creates a file of this layout, maps it, and for each request writes CLOCK_MONOTONIC at the first byte into
/// the next slot. A client with one delivery in flight maps the same file: its k-th delivery is the k-th stamp, so
/// nothing has to be added to the request. One process writes, any number read; `count` publishes the slots before it.
#ifndef STAMPS_H
#define STAMPS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct stamps {
    _Atomic uint32_t count;
    uint32_t capacity;
    uint64_t nanoseconds[];
};

/// The monotonic clock in nanoseconds: the same for every process of this host.
static inline uint64_t monotonic_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Maps `path`; creates it with room for `capacity` stamps when `capacity` is not 0. Ends the process on failure.
static inline struct stamps *stamps_map(const char *path, uint32_t capacity)
{
    int fd = open(path, capacity ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0600);
    struct stat info;
    size_t size = sizeof(struct stamps) + (size_t)capacity * sizeof(uint64_t);
    if (fd < 0 || (capacity && ftruncate(fd, (off_t)size) != 0) || fstat(fd, &info) != 0) {
        perror(path);
        exit(1);
    }
    struct stamps *stamps = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (stamps == MAP_FAILED) {
        perror(path);
        exit(1);
    }
    close(fd);
    if (capacity)
        stamps->capacity = capacity;
    return stamps;
}

/// Adds one stamp and wakes whoever waits for it. Called by the sink only; stamps past the capacity are dropped.
static inline void stamps_add(struct stamps *stamps, uint64_t nanoseconds)
{
    uint32_t count = atomic_load_explicit(&stamps->count, memory_order_relaxed);
    if (count >= stamps->capacity)
        return;
    stamps->nanoseconds[count] = nanoseconds;
    atomic_store_explicit(&stamps->count, count + 1, memory_order_release);
    syscall(SYS_futex, (uint32_t *)&stamps->count, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/// Sleeps until there are at least `wanted` stamps; false when that takes longer than ten seconds.
static inline bool stamps_await(struct stamps *stamps, uint32_t wanted)
{
    struct timespec patience = { .tv_sec = 10 };
    for (;;) {
        uint32_t count = atomic_load_explicit(&stamps->count, memory_order_acquire);
        if (count >= wanted)
            return true;
        long result = syscall(SYS_futex, (uint32_t *)&stamps->count, FUTEX_WAIT, count, &patience, NULL, 0);
        if (result != 0 && errno == ETIMEDOUT)
            return false;
    }
}

#endif
