/*
 * Looks at bytes of a text, many at once, without branches. Inline: they run for every few bytes of every event.
 *
 * SSE2 is part of every x86-64 processor, so nothing has to be detected at run time.
 */
#ifndef MARTLET_HARDWARE_BYTES_H
#define MARTLET_HARDWARE_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Of eight bytes, the first one lowest: how many at their start are plain; see martlet_hw_plain16. */
static inline int32_t martlet_hw_plain8(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t quote = (word ^ (ones * 0x22)) - ones;
    const uint64_t backslash = (word ^ (ones * 0x5C)) - ones;
    const uint64_t control = word - ones * 0x20;
    /* A subtraction that borrows may set false marks, but only above a true one: the lowest mark can be trusted. */
    const uint64_t marks = (quote | backslash | control | word) & (ones * 0x80);
    return marks == 0 ? 8 : (int32_t)(__builtin_ctzll(marks) >> 3);
}

/* Plain C that runs everywhere: what martlet_hw_plain16 answers. */
static inline int32_t martlet_hw_plain16_portable(const void *bytes)
{
    int32_t count = 0;
    for (int32_t half = 0; half < 2 && count == half * 8; half++) {
        uint8_t b[8];
        memcpy(b, (const uint8_t *)bytes + half * 8, sizeof b);
        uint64_t word = 0;
        for (int32_t i = 0; i < 8; i++)
            word |= (uint64_t)b[i] << (i * 8);
        count += martlet_hw_plain8(word);
    }
    return count;
}

/*
 * How many of 16 bytes, from the first one on, are plain content of a JSON string: ASCII, and neither a quote, a
 * backslash nor a control character. `bytes` needs no alignment; 16 bytes are read.
 */
static inline int32_t martlet_hw_plain16(const void *bytes)
{
#if defined(__SSE2__)
    const __m128i text = _mm_loadu_si128((const __m128i *)bytes);
    /* Signed: bytes from 0x80 on are negative, and so below the space as control characters are. */
    const __m128i low = _mm_cmplt_epi8(text, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x22));
    const __m128i backslash = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x5C));
    const int marks = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));
    return (int32_t)__builtin_ctz((unsigned)marks | 0x10000u);
#else
    return martlet_hw_plain16_portable(bytes);
#endif
}

/* Lets the processor fetch the cache line of `address`, which will be read soon; any address does, nothing is read. */
static inline void martlet_hw_prefetch(const void *address)
{
    __builtin_prefetch(address);
}

#endif
