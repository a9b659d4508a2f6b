#define _GNU_SOURCE
#include "martlet_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

int32_t martlet_platform_pipe(int32_t *read_end, int32_t *write_end) {
    int ends[2] = {-1, -1};
    int failed = pipe2(ends, O_CLOEXEC | O_NONBLOCK);
    *read_end = ends[0];
    *write_end = ends[1];
    return failed ? errno : 0;
}

void martlet_platform_give_memory_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void martlet_platform_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void *martlet_platform_page_wiped_on_fork(void) {
    size_t length = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return NULL;
    if (madvise(page, length, MADV_WIPEONFORK) != 0) {
        munmap(page, length);
        return NULL;
    }
    return page;
}

void *martlet_platform_map_aligned(size_t bytes) {
    /* Twice as much holds an aligned part; the rest goes back at once. */
    uint8_t *start = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return NULL;
    size_t before = (bytes - ((uintptr_t)start & (bytes - 1))) & (bytes - 1);
    if (before != 0) munmap(start, before);
    if (bytes != before) munmap(start + before + bytes, bytes - before);
    return start + before;
}

/* Linux 5.14; older headers do not name it, and older kernels refuse it. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

void martlet_platform_populate(void *start, size_t bytes) {
    madvise(start, bytes, MADV_POPULATE_WRITE);
}
