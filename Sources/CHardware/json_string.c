#include "martlet_hardware.h"

#include "detect.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,bmi")))

/* 64 bytes of a string. */
struct block {
    __m256i low, high;
};

AVX2 static inline uint64_t mask(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline uint64_t equal(struct block text, char byte)
{
    const __m256i all = _mm256_set1_epi8(byte);
    return mask(_mm256_cmpeq_epi8(text.low, all), _mm256_cmpeq_epi8(text.high, all));
}

AVX2 static inline uint64_t controls(struct block text)
{
    const __m256i last = _mm256_set1_epi8(0x1F);
    return mask(_mm256_cmpeq_epi8(_mm256_min_epu8(text.low, last), text.low),
        _mm256_cmpeq_epi8(_mm256_min_epu8(text.high, last), text.high));
}

/*
 * The bytes behind a backslash that is not escaped itself. `carry` says whether the block's first byte is one, and then
 * whether the next block's is.
 *
 * Of a run of backslashes every other one escapes the byte behind it, from the first on. Adding the runs that begin at odd
 * places to all backslashes carries through each of them and so flips which places of it are taken for escaping.
 */
static inline uint64_t escaped_bytes(uint64_t backslashes, uint64_t *carry)
{
    const uint64_t even = UINT64_C(0x5555555555555555);
    backslashes &= ~*carry;
    const uint64_t behind = backslashes << 1 | *carry;
    const uint64_t odd_starts = backslashes & ~even & ~behind;
    uint64_t sum;
    *carry = __builtin_add_overflow(odd_starts, backslashes, &sum);
    return (even ^ sum << 1) & behind;
}

AVX2 static inline __m256i table(char a, char b, char c, char d, char e, char f, char g, char h, char i, char j, char k,
    char l, char m, char n, char o, char p)
{
    return _mm256_broadcastsi128_si256(_mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p));
}

AVX2 static inline __m256i high_nibbles(__m256i bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

/* The letters of escapes of two bytes (RFC 8259 section 7), by their halves: 2 is 1, 5 is 2, 6 is 4, 7 is 8. */
AVX2 static inline __m256i escape_letters(__m256i bytes)
{
    const __m256i by_low = table(0, 0, 1 | 4 | 8, 0, 8, 0, 4, 0, 0, 0, 0, 0, 2, 0, 4, 1);
    const __m256i by_high = table(0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i found = _mm256_and_si256(_mm256_shuffle_epi8(by_low, bytes), /* 0 for bytes from 0x80 on */
        _mm256_shuffle_epi8(by_high, high_nibbles(bytes)));
    return _mm256_cmpeq_epi8(found, _mm256_setzero_si256());
}

/* The 32 bytes that begin `by` bytes earlier. */
#define EARLIER(bytes, before, by) _mm256_alignr_epi8(bytes, _mm256_permute2x128_si256(before, bytes, 0x21), 16 - (by))

/*
 * What is wrong with 32 bytes as UTF-8 (Unicode table 3-7) that follow the 32 bytes `before`: zeros for nothing.
 *
 * The method is that of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2020): three tables
 * name, for each half of a byte and the byte behind it, the faults they could be part of; what all three name is one.
 */
AVX2 static inline __m256i utf8_faults(__m256i bytes, __m256i before)
{
    enum {
        TOO_SHORT = 1, TOO_LONG = 2, OVERLONG_3 = 4, TOO_LARGE = 8, SURROGATE = 16, OVERLONG_2 = 32,
        OVERLONG_4 = 64, /* and other sequences above 0xF4 8F that begin like one */
        TWO_CONTINUATIONS = 128,
        ANY = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS,
    };
#define C(faults) ((char)(unsigned char)(faults))
    const __m256i first_high = table(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
        C(TWO_CONTINUATIONS), C(TWO_CONTINUATIONS), C(TWO_CONTINUATIONS), C(TWO_CONTINUATIONS), TOO_SHORT | OVERLONG_2,
        TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
    const __m256i first_low = table(C(ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), C(ANY | OVERLONG_2), C(ANY), C(ANY),
        C(ANY | TOO_LARGE), C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4),
        C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4),
        C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4),
        C(ANY | TOO_LARGE | OVERLONG_4 | SURROGATE), C(ANY | TOO_LARGE | OVERLONG_4), C(ANY | TOO_LARGE | OVERLONG_4));
    const __m256i second_high = table(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        C(TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | OVERLONG_4),
        C(TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE),
        C(TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE),
        C(TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
#undef C
    const __m256i first = EARLIER(bytes, before, 1);
    const __m256i pairs = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(first_high, high_nibbles(first)),
            _mm256_shuffle_epi8(first_low, _mm256_and_si256(first, _mm256_set1_epi8(0x0F)))),
        _mm256_shuffle_epi8(second_high, high_nibbles(bytes)));
    /* Two continuations in a row are right where a sequence of three or four bytes began two or three bytes earlier. */
    const __m256i third = _mm256_subs_epu8(EARLIER(bytes, before, 2), _mm256_set1_epi8(0xE0 - 0x80));
    const __m256i fourth = _mm256_subs_epu8(EARLIER(bytes, before, 3), _mm256_set1_epi8((char)(0xF0 - 0x80)));
    const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(due, pairs);
}

/* Not zero where the last sequence of 32 bytes goes on behind them. */
AVX2 static inline __m256i unfinished(__m256i bytes)
{
    const __m256i most = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, (char)(0xF0 - 1), (char)(0xE0 - 1), (char)(0xC0 - 1));
    return _mm256_subs_epu8(bytes, most);
}

AVX2 static const uint8_t *find_end(const uint8_t *text, const uint8_t *end, const uint8_t **resume, int32_t *escaped)
{
    __m256i before = _mm256_setzero_si256();
    uint64_t is_escape_open = 0;
    int is_sequence_open = 0;
    *resume = text;
    while (text < end) {
        uint8_t rest[64];
        const uint8_t *from = text;
        if (end - text < 64) {
            /* Zeros are control characters: a string that does not end before them is left to the caller. */
            memset(rest, 0, sizeof rest);
            memcpy(rest, text, (size_t)(end - text));
            from = rest;
        }
        const struct block block = {
            .low = _mm256_loadu_si256((const __m256i *)from), .high = _mm256_loadu_si256((const __m256i *)(from + 32)),
        };
        uint64_t quotes = equal(block, 0x22);
        const uint64_t backslashes = equal(block, 0x5C);
        uint64_t wrong = controls(block);
        if (backslashes | is_escape_open) {
            const uint64_t letters = escaped_bytes(backslashes, &is_escape_open);
            quotes &= ~letters;
            wrong |= letters & mask(escape_letters(block.low), escape_letters(block.high));
        }
        /* The bytes before the closing quote; all of them where there is none. */
        const uint64_t inside = (quotes & -quotes) - 1;
        if (backslashes & inside)
            *escaped = 1;
        if (wrong & inside)
            return NULL;
        if (mask(block.low, block.high) != 0 || is_sequence_open) {
            const __m256i faults = _mm256_or_si256(utf8_faults(block.low, before), utf8_faults(block.high, block.low));
            /* Those behind the quote count too: the text is not valid then, whoever says so. */
            if (!_mm256_testz_si256(faults, faults))
                return NULL;
            const __m256i open = unfinished(block.high);
            is_sequence_open = !_mm256_testz_si256(open, open);
        }
        if (quotes != 0)
            return text + __builtin_ctzll(quotes);
        before = block.high;
        text += 64;
        if (!is_sequence_open && !is_escape_open)
            *resume = text;
    }
    return NULL;
}
#endif

const uint8_t *martlet_hw_json_string_end(
    const uint8_t *text, const uint8_t *end, const uint8_t **resume, int32_t *escaped)
{
#if defined(__x86_64__)
    if (martlet_hw_features() & MARTLET_HW_HAS_AVX2)
        return find_end(text, end, resume, escaped);
#endif
    (void)end;
    (void)escaped;
    *resume = text;
    return NULL;
}
