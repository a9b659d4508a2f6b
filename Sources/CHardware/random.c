/* Asks the C library for getentropy, which strict C99 leaves out. */
#define _DEFAULT_SOURCE 1

#include "martlet_hardware.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

int32_t martlet_hw_random(void *bytes, size_t length)
{
    uint8_t *to = bytes;
    while (length != 0) {
#if defined(__linux__)
        const ssize_t got = getrandom(to, length, 0);
#else
        const size_t piece = length < 256 ? length : 256; /* getentropy takes no more at once */
        const ssize_t got = getentropy(to, piece) == 0 ? (ssize_t)piece : -1;
#endif
        if (got > 0) {
            to += got;
            length -= (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return got == 0 ? EIO : errno;
        }
    }
    return 0;
}
