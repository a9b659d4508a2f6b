/*
 * Checksums and hashes that use the processor's own instructions where it has them, and the system's random bytes.
 *
 * Every function may be called from any thread at any time. Nothing here allocates or takes a lock; the processor is
 * asked once and the answer is kept in an atomic. Pointers are borrowed for the call; byte pointers need no alignment.
 * Internal to the package: these names are not part of the library's C interface.
 */
#ifndef MARTLET_HARDWARE_H
#define MARTLET_HARDWARE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Plain C that runs everywhere. */
#define MARTLET_HW_PORTABLE 0
/* x86-64 SHA extensions and SSE4.2 with PCLMULQDQ, or the ARMv8 SHA2 and CRC32 instructions. */
#define MARTLET_HW_INSTRUCTIONS 1

/* The eight chaining words of SHA-256 in the processor's byte order (FIPS 180-4 section 6.2.2). */
typedef struct martlet_hw_sha256_state {
    uint32_t words[8];
} martlet_hw_sha256_state;

/* One input block of SHA-256, 64 bytes, held as words so that it copies quickly. */
typedef struct martlet_hw_sha256_block {
    uint64_t words[8];
} martlet_hw_sha256_block;

/*
 * Runs the SHA-256 compression function over `count` blocks of 64 bytes that start at `blocks`.
 *
 * Padding is the caller's business. `state` is updated in place. A count of 0 changes nothing.
 */
void martlet_hw_sha256_compress(martlet_hw_sha256_state *state, const void *blocks, size_t count);

/*
 * The same with a chosen implementation (MARTLET_HW_…), for tests and measurements.
 *
 * Returns 1 when it ran; 0, and changes nothing, when this processor does not have it.
 */
int32_t martlet_hw_sha256_compress_with(
    int32_t implementation, martlet_hw_sha256_state *state, const void *blocks, size_t count);

/*
 * CRC32C (Castagnoli, RFC 3720 appendix B.4) of `length` bytes at `bytes`, continuing from `crc`.
 *
 * Start with 0 and hand each result to the next call: crc(crc(0, a), b) is the checksum of a followed by b. The
 * inversions before and after are done inside. `bytes` may be NULL when `length` is 0.
 */
uint32_t martlet_hw_crc32c(uint32_t crc, const void *bytes, size_t length);

/*
 * The same with a chosen implementation (MARTLET_HW_…), for tests and measurements.
 *
 * Returns 1 and writes `*result` when it ran; 0 when this processor does not have it.
 */
int32_t martlet_hw_crc32c_with(
    int32_t implementation, uint32_t crc, const void *bytes, size_t length, uint32_t *result);

/*
 * Finds the closing quote of a JSON string (RFC 8259 section 7), whose content has been read up to `text`, which stands
 * neither behind a backslash nor inside a UTF-8 sequence. Reads nothing at or behind `end`.
 *
 * Returns the place of the quote where all in front of it is right, and sets `*escaped` to 1 where there is a backslash.
 * Returns NULL where it cannot tell: something is wrong, there is an escape of six bytes, or the processor lacks what this
 * needs. Everything up to `*resume` is right then, and reading can go on there as from `text`.
 */
const uint8_t *martlet_hw_json_string_end(
    const uint8_t *text, const uint8_t *end, const uint8_t **resume, int32_t *escaped);

/*
 * Fills `length` bytes from the system's generator for secrets: getrandom(2) on Linux, getentropy(3) elsewhere.
 *
 * Returns 0, or the errno of the call that failed; the bytes are then not to be used. Waits only while a machine that
 * just booted has not gathered enough entropy yet.
 */
int32_t martlet_hw_random(void *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
