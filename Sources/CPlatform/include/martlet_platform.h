// Calls and constants of the C library that the Swift overlay does not show (they need _GNU_SOURCE), one function each.
#ifndef MARTLET_PLATFORM_H
#define MARTLET_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/// A pipe whose ends are non-blocking and closed on exec. Answers 0, or an errno with both ends -1.
int32_t martlet_platform_pipe(int32_t *read_end, int32_t *write_end);

/* Gives freed memory that the allocator keeps back to the system, where it can be told to. Takes milliseconds. */
void martlet_platform_give_memory_back(void);

/// Fresh memory, all zeros, that starts at a multiple of `bytes`, a power of two of pages; NULL where there is none. Give
/// it back with munmap(2).
void *martlet_platform_map_aligned(size_t bytes);

/// Makes whole pages ready to be written at once, where the kernel can: cheaper than a fault at the first write of each.
/// Does nothing where it cannot, or lacks memory.
void martlet_platform_populate(void *start, size_t bytes);

/// Names the calling thread for debuggers; Linux keeps 15 characters.
void martlet_platform_name_thread(const char *name);

/// One page that reads as zeros in every forked child (MADV_WIPEONFORK, Linux 4.14); NULL where there is none. Never
/// unmapped.
void *martlet_platform_page_wiped_on_fork(void);

#endif
