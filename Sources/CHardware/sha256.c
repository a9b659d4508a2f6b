#include "martlet_hardware.h"

#include "detect.h"

/* FIPS 180-4 section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};

static inline uint32_t rotate_right(uint32_t value, unsigned int by)
{
    return (value >> by) | (value << (32 - by));
}

static void compress_portable(martlet_hw_sha256_state *state, const uint8_t *block, size_t count)
{
    uint32_t *const h = state->words;
    for (; count != 0; count--, block += 64) {
        uint32_t w[64];
        for (int t = 0; t < 16; t++) {
            const uint8_t *p = block + 4 * t;
            w[t] = ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | (uint32_t)p[3];
        }
        for (int t = 16; t < 64; t++) {
            const uint32_t x = w[t - 15], y = w[t - 2];
            const uint32_t s0 = rotate_right(x, 7) ^ rotate_right(x, 18) ^ (x >> 3);
            const uint32_t s1 = rotate_right(y, 17) ^ rotate_right(y, 19) ^ (y >> 10);
            w[t] = w[t - 16] + s0 + w[t - 7] + s1;
        }
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], last = h[7];
        for (int t = 0; t < 64; t++) {
            const uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
            const uint32_t choose = g ^ (e & (f ^ g));
            const uint32_t t1 = last + s1 + choose + round_constants[t] + w[t];
            const uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
            const uint32_t majority = (a & b) | (c & (a | b));
            last = g;
            g = f;
            f = e;
            e = d + t1;
            d = c;
            c = b;
            b = a;
            a = t1 + s0 + majority;
        }
        h[0] += a;
        h[1] += b;
        h[2] += c;
        h[3] += d;
        h[4] += e;
        h[5] += f;
        h[6] += g;
        h[7] += last;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_INSTRUCTIONS 1

/* Four rounds: two instructions of two rounds each, the second fed the upper half of the four round inputs. */
#define FOUR_ROUNDS(message, first)                                                                     \
    do {                                                                                                \
        __m128i input = _mm_add_epi32(message, _mm_load_si128((const __m128i *)&round_constants[first])); \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);                                                \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));                       \
    } while (0)

/* Turns the oldest four schedule words, w0, into the four that follow w3. */
#define NEXT_WORDS(w0, w1, w2, w3) \
    w0 = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4)), w3)

__attribute__((target("sha,sse4.1,ssse3")))
static void compress_instructions(martlet_hw_sha256_state *state, const uint8_t *block, size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);

    /* The instructions want the words as (a,b,e,f) and (c,d,g,h), highest lane first. */
    const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state->words[0]), 0xb1);
    const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state->words[4]), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

    for (; count != 0; count--, block += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        const __m128i *const words = (const __m128i *)(const void *)block;
        __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128(words + 0), big_endian);
        __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128(words + 1), big_endian);
        __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128(words + 2), big_endian);
        __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128(words + 3), big_endian);
        for (int first = 0; first < 48; first += 16) {
            FOUR_ROUNDS(w0, first);
            NEXT_WORDS(w0, w1, w2, w3);
            FOUR_ROUNDS(w1, first + 4);
            NEXT_WORDS(w1, w2, w3, w0);
            FOUR_ROUNDS(w2, first + 8);
            NEXT_WORDS(w2, w3, w0, w1);
            FOUR_ROUNDS(w3, first + 12);
            NEXT_WORDS(w3, w0, w1, w2);
        }
        FOUR_ROUNDS(w0, 48);
        FOUR_ROUNDS(w1, 52);
        FOUR_ROUNDS(w2, 56);
        FOUR_ROUNDS(w3, 60);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    const __m128i abef_reversed = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i cdgh_swapped = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)&state->words[0], _mm_blend_epi16(abef_reversed, cdgh_swapped, 0xf0));
    _mm_storeu_si128((__m128i *)&state->words[4], _mm_alignr_epi8(cdgh_swapped, abef_reversed, 8));
}

#elif defined(__aarch64__)
#include <arm_neon.h>
#define HAVE_INSTRUCTIONS 1

#define FOUR_ROUNDS(message, first)                                              \
    do {                                                                         \
        const uint32x4_t input = vaddq_u32(message, vld1q_u32(&round_constants[first])); \
        const uint32x4_t abcd_before = abcd;                                     \
        abcd = vsha256hq_u32(abcd, efgh, input);                                 \
        efgh = vsha256h2q_u32(efgh, abcd_before, input);                         \
    } while (0)

/* Turns the oldest four schedule words, w0, into the four that follow w3. */
#define NEXT_WORDS(w0, w1, w2, w3) w0 = vsha256su1q_u32(vsha256su0q_u32(w0, w1), w2, w3)

__attribute__((target("+crypto")))
static void compress_instructions(martlet_hw_sha256_state *state, const uint8_t *block, size_t count)
{
    uint32x4_t abcd = vld1q_u32(&state->words[0]);
    uint32x4_t efgh = vld1q_u32(&state->words[4]);

    for (; count != 0; count--, block += 64) {
        const uint32x4_t abcd_first = abcd, efgh_first = efgh;
        uint32x4_t w0 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 0)));
        uint32x4_t w1 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16)));
        uint32x4_t w2 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 32)));
        uint32x4_t w3 = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 48)));
        for (int first = 0; first < 48; first += 16) {
            FOUR_ROUNDS(w0, first);
            NEXT_WORDS(w0, w1, w2, w3);
            FOUR_ROUNDS(w1, first + 4);
            NEXT_WORDS(w1, w2, w3, w0);
            FOUR_ROUNDS(w2, first + 8);
            NEXT_WORDS(w2, w3, w0, w1);
            FOUR_ROUNDS(w3, first + 12);
            NEXT_WORDS(w3, w0, w1, w2);
        }
        FOUR_ROUNDS(w0, 48);
        FOUR_ROUNDS(w1, 52);
        FOUR_ROUNDS(w2, 56);
        FOUR_ROUNDS(w3, 60);
        abcd = vaddq_u32(abcd, abcd_first);
        efgh = vaddq_u32(efgh, efgh_first);
    }

    vst1q_u32(&state->words[0], abcd);
    vst1q_u32(&state->words[4], efgh);
}
#endif

void martlet_hw_sha256_compress(martlet_hw_sha256_state *state, const void *blocks, size_t count)
{
    if (!martlet_hw_sha256_compress_with(MARTLET_HW_INSTRUCTIONS, state, blocks, count)) {
        compress_portable(state, blocks, count);
    }
}

int32_t martlet_hw_sha256_compress_with(
    int32_t implementation, martlet_hw_sha256_state *state, const void *blocks, size_t count)
{
    if (implementation == MARTLET_HW_PORTABLE) {
        compress_portable(state, blocks, count);
        return 1;
    }
#ifdef HAVE_INSTRUCTIONS
    if (implementation == MARTLET_HW_INSTRUCTIONS && (martlet_hw_features() & MARTLET_HW_HAS_SHA256)) {
        compress_instructions(state, blocks, count);
        return 1;
    }
#endif
    return 0;
}
