/*
 * What the running processor can do, asked once.
 *
 * The answer never changes while a process runs, so two threads that ask at the same time store the same value: relaxed
 * atomics are enough and no lock or constructor is needed (a lock could be held across a fork).
 */
#ifndef MARTLET_HARDWARE_DETECT_H
#define MARTLET_HARDWARE_DETECT_H

#include <stdint.h>

/* Set in every answer, to tell "nothing available" from "not asked yet". */
#define MARTLET_HW_ASKED 1u
#define MARTLET_HW_HAS_SHA256 2u
#define MARTLET_HW_HAS_CRC32C 4u
/* AVX2 and BMI1, whose registers the system saves. */
#define MARTLET_HW_HAS_AVX2 8u

/* Returns MARTLET_HW_ASKED together with the MARTLET_HW_HAS_… bits that hold. */
uint32_t martlet_hw_features(void);

#endif
