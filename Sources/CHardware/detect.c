#include "detect.h"

#if defined(__x86_64__)
#include <cpuid.h>

static uint32_t ask_processor(void)
{
    uint32_t features = MARTLET_HW_ASKED;
    unsigned int eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        return features;
    }
    /* Only SSE registers are used, which every x86-64 system saves: there is no need to ask for AVX state. */
    const int pclmulqdq = (ecx >> 1) & 1, ssse3 = (ecx >> 9) & 1, sse41 = (ecx >> 19) & 1, sse42 = (ecx >> 20) & 1;
    if (pclmulqdq && sse42) {
        features |= MARTLET_HW_HAS_CRC32C;
    }
    if (ssse3 && sse41 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ((ebx >> 29) & 1)) {
        features |= MARTLET_HW_HAS_SHA256;
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
