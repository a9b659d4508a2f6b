#include "detect.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XGETBV of XCR0: bits 1 and 2 are the SSE and AVX state (Intel SDM volume 1, section 13.3). */
static int saves_avx_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

static uint32_t ask_processor(void)
{
    uint32_t features = MARTLET_HW_ASKED;
    unsigned int eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        return features;
    }
    /* SSE registers every x86-64 system saves; AVX registers only where it says so. */
    const int saves_extended = (ecx >> 27) & 1, avx = (ecx >> 28) & 1;
    const int pclmulqdq = (ecx >> 1) & 1, ssse3 = (ecx >> 9) & 1, sse41 = (ecx >> 19) & 1, sse42 = (ecx >> 20) & 1;
    if (pclmulqdq && sse42) {
        features |= MARTLET_HW_HAS_CRC32C;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        const int bmi = (ebx >> 3) & 1, avx2 = (ebx >> 5) & 1, sha = (ebx >> 29) & 1;
        if (ssse3 && sse41 && sha) {
            features |= MARTLET_HW_HAS_SHA256;
        }
        if (saves_extended && avx && avx2 && bmi && saves_avx_registers()) {
            features |= MARTLET_HW_HAS_AVX2;
        }
    }
    return features;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

static uint32_t ask_processor(void)
{
    /* Bits of AT_HWCAP on arm64, part of the kernel's stable interface (asm/hwcap.h). */
    const unsigned long sha2 = 1ul << 6, crc32 = 1ul << 7;
    const unsigned long capabilities = getauxval(AT_HWCAP);
    return MARTLET_HW_ASKED | ((capabilities & sha2) ? MARTLET_HW_HAS_SHA256 : 0u)
        | ((capabilities & crc32) ? MARTLET_HW_HAS_CRC32C : 0u);
}

#elif defined(__aarch64__) && defined(__APPLE__)

static uint32_t ask_processor(void)
{
    /* Every 64-bit Apple processor that Swift 6 can target has both. */
    return MARTLET_HW_ASKED | MARTLET_HW_HAS_SHA256 | MARTLET_HW_HAS_CRC32C;
}

#else

static uint32_t ask_processor(void)
{
    return MARTLET_HW_ASKED;
}

#endif

uint32_t martlet_hw_features(void)
{
    static uint32_t known;
    uint32_t features = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (features == 0) {
        features = ask_processor();
        __atomic_store_n(&known, features, __ATOMIC_RELAXED);
    }
    return features;
}
