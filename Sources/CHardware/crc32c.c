#include "martlet_hardware.h"

#include <string.h>

#include "detect.h"

/*
 * Tables for eight bytes a step.
 *
 * Each table is linear: an entry is the exclusive or of the entries of its index's bits. So 8 words describe a table of
 * 256, the preprocessor writes it out, and nothing has to be built (and guarded) at run time. The words are the
 * reflected polynomial 0x82f63b78 shifted 0 to 63 times through its own feedback, highest index bit first.
 */
#define ENTRY(n, b7, b6, b5, b4, b3, b2, b1, b0)                                                          \
    (((n) & 128 ? b7 : 0u) ^ ((n) & 64 ? b6 : 0u) ^ ((n) & 32 ? b5 : 0u) ^ ((n) & 16 ? b4 : 0u)           \
        ^ ((n) & 8 ? b3 : 0u) ^ ((n) & 4 ? b2 : 0u) ^ ((n) & 2 ? b1 : 0u) ^ ((n) & 1 ? b0 : 0u))
#define ENTRIES_4(n, ...) \
    ENTRY(n, __VA_ARGS__), ENTRY(n + 1, __VA_ARGS__), ENTRY(n + 2, __VA_ARGS__), ENTRY(n + 3, __VA_ARGS__)
#define ENTRIES_16(n, ...)                                                                   \
    ENTRIES_4(n, __VA_ARGS__), ENTRIES_4(n + 4, __VA_ARGS__), ENTRIES_4(n + 8, __VA_ARGS__), \
        ENTRIES_4(n + 12, __VA_ARGS__)
#define ENTRIES_64(n, ...)                                                                        \
    ENTRIES_16(n, __VA_ARGS__), ENTRIES_16(n + 16, __VA_ARGS__), ENTRIES_16(n + 32, __VA_ARGS__), \
        ENTRIES_16(n + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
    {                                                                                              \
        ENTRIES_64(0, __VA_ARGS__), ENTRIES_64(64, __VA_ARGS__), ENTRIES_64(128, __VA_ARGS__),     \
            ENTRIES_64(192, __VA_ARGS__)                                                           \
    }

static const uint32_t tables[8][256] = {
    TABLE(0x82f63b78u, 0x417b1dbcu, 0x20bd8edeu, 0x105ec76fu, 0x8ad958cfu, 0xc79a971fu, 0xe13b70f7u, 0xf26b8303u),
    TABLE(0xfbc3faf9u, 0xff17c604u, 0x7f8be302u, 0x3fc5f181u, 0x9d14c3b8u, 0x4e8a61dcu, 0x274530eeu, 0x13a29877u),
    TABLE(0x8b277743u, 0xc76580d9u, 0xe144fb14u, 0x70a27d8au, 0x38513ec5u, 0x9edea41au, 0x4f6f520du, 0xa541927eu),
    TABLE(0x52a0c93fu, 0xaba65fe7u, 0xd725148bu, 0xe964b13du, 0xf64463e6u, 0x7b2231f3u, 0xbf672381u, 0xdd45aab8u),
    TABLE(0x6ea2d55cu, 0x37516aaeu, 0x1ba8b557u, 0x8f2261d3u, 0xc5670b91u, 0xe045beb0u, 0x7022df58u, 0x38116facu),
    TABLE(0x1c08b7d6u, 0x0e045bebu, 0x85f4168du, 0xc00c303eu, 0x6006181fu, 0xb2f53777u, 0xdb8ca0c3u, 0xef306b19u),
    TABLE(0xf56e0ef4u, 0x7ab7077au, 0x3d5b83bdu, 0x9c5bfaa6u, 0x4e2dfd53u, 0xa5e0c5d1u, 0xd0065990u, 0x68032cc8u),
    TABLE(0x34019664u, 0x1a00cb32u, 0x0d006599u, 0x847609b4u, 0x423b04dau, 0x211d826du, 0x9278fa4eu, 0x493c7d27u),
};

static uint32_t crc_portable(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (; length >= 8; length -= 8, bytes += 8) {
        crc ^= (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
        crc = tables[7][crc & 0xff] ^ tables[6][(crc >> 8) & 0xff] ^ tables[5][(crc >> 16) & 0xff]
            ^ tables[4][crc >> 24] ^ tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]]
            ^ tables[0][bytes[7]];
    }
    for (; length != 0; length--, bytes++) {
        crc = tables[0][(crc ^ *bytes) & 0xff] ^ (crc >> 8);
    }
    return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_INSTRUCTIONS 1
#define USES_INSTRUCTIONS __attribute__((target("sse4.2,pclmul")))

static inline uint64_t load_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/*
 * Moves two checksums past the bytes that follow them: `far` past two stretches, `near` past one.
 *
 * A checksum followed by n bytes is the checksum times x^(8n) modulo the polynomial. The carry-less product of two
 * reflected words carries one factor x too many and the crc32 instruction multiplies by x^32, so the constants are
 * x^(8n-33), reflected: far_power for two stretches, near_power for one.
 */
USES_INSTRUCTIONS
static inline uint32_t shift_and_join(uint64_t far, uint64_t near, uint32_t far_power, uint32_t near_power)
{
    const __m128i powers = _mm_set_epi64x((int64_t)near_power, (int64_t)far_power);
    const __m128i far_product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)far), powers, 0x00);
    const __m128i near_product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)near), powers, 0x10);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(_mm_xor_si128(far_product, near_product)));
}

/*
 * One crc32 instruction a cycle can start but each takes three: three stretches at once keep the unit busy. Takes
 * 3 * stretch bytes.
 */
USES_INSTRUCTIONS
static inline uint32_t three_stretches(
    uint32_t crc, const uint8_t *bytes, size_t stretch, uint32_t far_power, uint32_t near_power)
{
    uint64_t first = crc, second = 0, third = 0;
    for (size_t at = 0; at < stretch; at += 8) {
        first = _mm_crc32_u64(first, load_word(bytes + at));
        second = _mm_crc32_u64(second, load_word(bytes + stretch + at));
        third = _mm_crc32_u64(third, load_word(bytes + 2 * stretch + at));
    }
    return (uint32_t)third ^ shift_and_join(first, second, far_power, near_power);
}

USES_INSTRUCTIONS
static uint32_t crc_instructions(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (; length >= 3 * 1024; length -= 3 * 1024, bytes += 3 * 1024) {
        crc = three_stretches(crc, bytes, 1024, 0xa51b6135u, 0x170076fau);
    }
    for (; length >= 3 * 128; length -= 3 * 128, bytes += 3 * 128) {
        crc = three_stretches(crc, bytes, 128, 0xb9e02b86u, 0x0d3b6092u);
    }
    for (; length >= 8; length -= 8, bytes += 8) {
        crc = (uint32_t)_mm_crc32_u64(crc, load_word(bytes));
    }
    for (; length != 0; length--, bytes++) {
        crc = _mm_crc32_u8(crc, *bytes);
    }
    return crc;
}

#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#include <arm_acle.h>
#define HAVE_INSTRUCTIONS 1

__attribute__((target("+crc")))
static uint32_t crc_instructions(uint32_t crc, const uint8_t *bytes, size_t length)
{
    for (; length >= 8; length -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        crc = __crc32cd(crc, word);
    }
    for (; length != 0; length--, bytes++) {
        crc = __crc32cb(crc, *bytes);
    }
    return crc;
}
#endif

uint32_t martlet_hw_crc32c(uint32_t crc, const void *bytes, size_t length)
{
    uint32_t result;
    if (!martlet_hw_crc32c_with(MARTLET_HW_INSTRUCTIONS, crc, bytes, length, &result)) {
        result = ~crc_portable(~crc, bytes, length);
    }
    return result;
}

int32_t martlet_hw_crc32c_with(
    int32_t implementation, uint32_t crc, const void *bytes, size_t length, uint32_t *result)
{
    if (implementation == MARTLET_HW_PORTABLE) {
        *result = ~crc_portable(~crc, bytes, length);
        return 1;
    }
#ifdef HAVE_INSTRUCTIONS
    if (implementation == MARTLET_HW_INSTRUCTIONS && (martlet_hw_features() & MARTLET_HW_HAS_CRC32C)) {
        *result = ~crc_instructions(~crc, bytes, length);
        return 1;
    }
#endif
    return 0;
}
