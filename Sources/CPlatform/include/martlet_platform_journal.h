// What the journal asks of the system, one function a call, each answering 0 or an errno. Thin on purpose: the funnel in
// Swift decides what an error means, repeats interrupted calls and completes short writes.
#ifndef MARTLET_PLATFORM_JOURNAL_H
#define MARTLET_PLATFORM_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

/// How a file is opened.
#define MARTLET_JOURNAL_READ 0
#define MARTLET_JOURNAL_WRITE 1
/// For reading and writing; an existing file is an error.
#define MARTLET_JOURNAL_CREATE 2
/// For reading and writing; an existing file is emptied.
#define MARTLET_JOURNAL_REPLACE 3

int32_t martlet_journal_make_directory(const char *path, uint32_t mode);
int32_t martlet_journal_open_directory(const char *path, int32_t *directory);
/// 0 where the directory certainly has no such name.
int32_t martlet_journal_exists(int32_t directory, const char *name);
/// Whether this thread may list, read and create in the directory: EACCES, or EROFS on a read-only file system.
int32_t martlet_journal_check_access(int32_t directory);

/// Takes the exclusive kernel lock of the directory (flock(2)), which is opened anew under the same number, and remembers
/// the descriptor, so that a child made by fork(2) closes its copy at once and cannot keep the lock. EWOULDBLOCK where
/// somebody else holds it, in this process or in another.
int32_t martlet_journal_lock(int32_t directory);
/// Unlocks and closes a descriptor that martlet_journal_lock locked in this process. Does nothing in a forked child, where
/// it would take the lock from the parent.
void martlet_journal_close_locked(int32_t directory);

int32_t martlet_journal_open_file(int32_t directory, const char *name, int32_t how, uint32_t mode, int32_t *file);
int32_t martlet_journal_close(int32_t file);
int32_t martlet_journal_size(int32_t file, int64_t *bytes);
/// Bytes of the disk that the file takes, reserved ones included.
/* Where the zeros begin that the file ends with, as far as the file system knows without reading: `bytes` where it does not. */
int64_t martlet_journal_data_end(int32_t file, int64_t bytes);

int32_t martlet_journal_allocated_size(int32_t file, int64_t *bytes);
/// posix_fallocate(3) from the start of the file.
int32_t martlet_journal_allocate(int32_t file, int64_t bytes);
int32_t martlet_journal_write(int32_t file, const void *bytes, size_t count, int64_t offset, size_t *written);
/// pread(2); 0 bytes at the end of the file.
int32_t martlet_journal_read(int32_t file, void *bytes, size_t count, int64_t offset, size_t *read);
int32_t martlet_journal_sync_file(int32_t file);
int32_t martlet_journal_sync_directory(int32_t directory);
int32_t martlet_journal_rename(int32_t directory, const char *from, const char *to);
int32_t martlet_journal_remove(int32_t directory, const char *name);

/// Maps a file from its start, shared. A writable mapping is not inherited by forked children: none of them can write
/// into its parent's journal.
int32_t martlet_journal_map(int32_t file, size_t bytes, int32_t writable, void **address);
int32_t martlet_journal_unmap(void *address, size_t bytes);
/// Makes pages writable ahead of need (MADV_POPULATE_WRITE, Linux 5.14); EINVAL on older kernels.
int32_t martlet_journal_populate(void *address, size_t bytes);
/// Writes the changed pages of the range to the disk and waits (msync(2), MS_SYNC): fdatasync(2) of a range. All but the
/// last are unmapped before, and come back when they are read.
int32_t martlet_journal_sync_mapping(void *address, size_t bytes);
/// Marks the pages of the range as changed without changing them. After a failed sync the kernel takes them for clean,
/// and the next sync would report success without writing them.
void martlet_journal_mark_changed(void *address, size_t bytes);

/// A walk over the names in a directory.
typedef struct martlet_journal_names martlet_journal_names;
int32_t martlet_journal_names_open(int32_t directory, martlet_journal_names **names);
/// The next name, valid until the next call; NULL at the end or, with `*error` set, on a failure.
const char *martlet_journal_names_next(martlet_journal_names *names, int32_t *error);
void martlet_journal_names_close(martlet_journal_names *names);

#endif
