/* For MartletC alone; never part of the public header. */
#ifndef MARTLET_INTERNAL_H
#define MARTLET_INTERNAL_H

#include "martlet_types.h"

/* A string literal lives as long as the library does, which no pointer into a Swift String promises. */
static inline const char *martlet_internal_version(void) {
    return MARTLET_VERSION;
}

#endif
