/* SwiftPM wants one source in a C target. Compiling the types here also checks their layout. */
#include "martlet_types.h"
