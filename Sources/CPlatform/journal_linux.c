#define _GNU_SOURCE
#include "martlet_platform_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/*
 * Locked directories of this process.
 *
 * An flock(2) lock belongs to the open file description, which a forked child shares: it would outlive the parent in any
 * child that lives on. So the child closes its copies, which leaves the parent's lock alone, and forgets them, so that
 * nothing it calls can unlock them.
 */
struct locked_directory {
    int descriptor;
    struct locked_directory *next;
};

static pthread_mutex_t locked_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct locked_directory *locked_directories;
static pthread_once_t fork_handlers_once = PTHREAD_ONCE_INIT;
static int fork_handlers_error;

static void before_fork(void) { pthread_mutex_lock(&locked_mutex); }

static void after_fork_in_parent(void) { pthread_mutex_unlock(&locked_mutex); }

static void after_fork_in_child(void) {
    /* The nodes are leaked: free(3) is not for a child of a process with threads. */
    for (struct locked_directory *one = locked_directories; one != NULL; one = one->next) close(one->descriptor);
    locked_directories = NULL;
    pthread_mutex_unlock(&locked_mutex);
}

static void add_fork_handlers(void) {
    fork_handlers_error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static int open_anew_and_lock(int directory) {
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) return errno;
    int error = flock(own, LOCK_EX | LOCK_NB) == 0 && dup3(own, directory, O_CLOEXEC) >= 0 ? 0 : errno;
    close(own);
    return error;
}

int32_t martlet_journal_lock(int32_t directory) {
    pthread_once(&fork_handlers_once, add_fork_handlers);
    if (fork_handlers_error != 0) return fork_handlers_error;
    struct locked_directory *one = malloc(sizeof *one);
    if (one == NULL) return ENOMEM;
    one->descriptor = directory;
    /*
     * Locked and remembered in one step that no fork can split. The directory is opened anew in it, because a child that
     * was made since the first opening shares that one and does not know that it is to be closed.
     */
    pthread_mutex_lock(&locked_mutex);
    int error = open_anew_and_lock(directory);
    if (error == 0) {
        one->next = locked_directories;
        locked_directories = one;
    }
    pthread_mutex_unlock(&locked_mutex);
    if (error != 0) free(one);
    return error;
}

void martlet_journal_close_locked(int32_t directory) {
    struct locked_directory *found = NULL;
    pthread_mutex_lock(&locked_mutex);
    for (struct locked_directory **at = &locked_directories; *at != NULL; at = &(*at)->next) {
        if ((*at)->descriptor == directory) {
            found = *at;
            *at = found->next;
            /* A child that was just made and has not closed its copy yet must not hold up the next opener. */
            flock(directory, LOCK_UN);
            close(directory);
            break;
        }
    }
    pthread_mutex_unlock(&locked_mutex);
    free(found);
}

int32_t martlet_journal_make_directory(const char *path, uint32_t mode) {
    return mkdir(path, (mode_t)mode) == 0 ? 0 : errno;
}

int32_t martlet_journal_open_directory(const char *path, int32_t *directory) {
    *directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *directory >= 0 ? 0 : errno;
}

int32_t martlet_journal_check_access(int32_t directory) {
    return faccessat(directory, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int32_t martlet_journal_exists(int32_t directory, const char *name) {
    struct stat status;
    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int32_t martlet_journal_open_file(int32_t directory, const char *name, int32_t how, uint32_t mode, int32_t *file) {
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    switch (how) {
    case MARTLET_JOURNAL_WRITE: flags |= O_RDWR; break;
    case MARTLET_JOURNAL_CREATE: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    case MARTLET_JOURNAL_REPLACE: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
    default: flags |= O_RDONLY; break;
    }
    *file = openat(directory, name, flags, (mode_t)mode);
    if (*file < 0) return errno;
    struct stat status;
    if (fstat(*file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(*file);
        *file = -1;
        return EINVAL;
    }
    return 0;
}

int32_t martlet_journal_close(int32_t file) { return close(file) == 0 ? 0 : errno; }

int32_t martlet_journal_size(int32_t file, int64_t *bytes) {
    struct stat status;
    if (fstat(file, &status) != 0) return errno;
    *bytes = (int64_t)status.st_size;
    return 0;
}

int64_t martlet_journal_data_end(int32_t file, int64_t bytes) {
    /* Room that was reserved and never written is a hole to lseek(2), pages written in memory are data. Appended files have
       one stretch of data; one with more is read whole. */
    off_t hole = lseek(file, 0, SEEK_HOLE);
    if (hole < 0 || hole >= bytes) return bytes;
    if (lseek(file, hole, SEEK_DATA) >= 0 || errno != ENXIO) return bytes;
    return hole;
}

int32_t martlet_journal_allocated_size(int32_t file, int64_t *bytes) {
    struct stat status;
    if (fstat(file, &status) != 0) return errno;
    /* In units of 512 bytes, whatever the blocks of the file system are (stat(3type)). */
    *bytes = (int64_t)status.st_blocks * 512;
    return 0;
}

int32_t martlet_journal_allocate(int32_t file, int64_t bytes) { return posix_fallocate(file, 0, (off_t)bytes); }

int32_t martlet_journal_write(int32_t file, const void *bytes, size_t count, int64_t offset, size_t *written) {
    ssize_t result = pwrite(file, bytes, count, (off_t)offset);
    *written = result > 0 ? (size_t)result : 0;
    return result >= 0 ? 0 : errno;
}

int32_t martlet_journal_read(int32_t file, void *bytes, size_t count, int64_t offset, size_t *read) {
    ssize_t result = pread(file, bytes, count, (off_t)offset);
    *read = result > 0 ? (size_t)result : 0;
    return result >= 0 ? 0 : errno;
}

int32_t martlet_journal_sync_file(int32_t file) { return fdatasync(file) == 0 ? 0 : errno; }

int32_t martlet_journal_sync_directory(int32_t directory) { return fsync(directory) == 0 ? 0 : errno; }

int32_t martlet_journal_rename(int32_t directory, const char *from, const char *to) {
    return renameat(directory, from, directory, to) == 0 ? 0 : errno;
}

int32_t martlet_journal_remove(int32_t directory, const char *name) {
    return unlinkat(directory, name, 0) == 0 ? 0 : errno;
}

int32_t martlet_journal_map(int32_t file, size_t bytes, int32_t writable, void **address) {
    void *mapping = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
    *address = NULL;
    if (mapping == MAP_FAILED) return errno;
    if (writable && madvise(mapping, bytes, MADV_DONTFORK) != 0) {
        int error = errno;
        munmap(mapping, bytes);
        return error;
    }
    *address = mapping;
    return 0;
}

int32_t martlet_journal_unmap(void *address, size_t bytes) { return munmap(address, bytes) == 0 ? 0 : errno; }

int32_t martlet_journal_populate(void *address, size_t bytes) {
    return madvise(address, bytes, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

int32_t martlet_journal_sync_mapping(void *address, size_t bytes) {
    /* msync takes the right to write from one mapped page after the other, and for each it interrupts every
       processor that runs a thread of this process and waits for the answer. Pages that are not mapped need none of
       that. They stay in the page cache, changed as they are, and one that is read again is mapped again. All go in
       one step; the last one, which is being written, stays. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes > 2 * page) (void)madvise(address, bytes - page, MADV_DONTNEED);
    return msync(address, bytes, MS_SYNC) == 0 ? 0 : errno;
}

/* It changes no byte, so whoever reads meanwhile reads what stands there; ThreadSanitizer sees a write all the same. */
__attribute__((disable_sanitizer_instrumentation))
void martlet_journal_mark_changed(void *address, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t at = 0; at < bytes; at += page) {
        /* A compare and exchange with itself writes the page and loses no store of another thread. */
        uint64_t *word = (uint64_t *)((char *)address + at);
        uint64_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
        __atomic_compare_exchange_n(word, &value, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

struct martlet_journal_names {
    DIR *stream;
};

int32_t martlet_journal_names_open(int32_t directory, martlet_journal_names **names) {
    *names = NULL;
    /* Opened anew: a duplicate would share the position of the descriptor that is kept. */
    int descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    DIR *stream = fdopendir(descriptor);
    if (stream == NULL) {
        int error = errno;
        close(descriptor);
        return error;
    }
    martlet_journal_names *walk = malloc(sizeof *walk);
    if (walk == NULL) {
        closedir(stream);
        return ENOMEM;
    }
    walk->stream = stream;
    *names = walk;
    return 0;
}

const char *martlet_journal_names_next(martlet_journal_names *names, int32_t *error) {
    errno = 0;
    struct dirent *entry = readdir(names->stream);
    *error = entry == NULL ? errno : 0;
    return entry == NULL ? NULL : entry->d_name;
}

void martlet_journal_names_close(martlet_journal_names *names) {
    closedir(names->stream);
    free(names);
}
