// Kernel interfaces that Swift's own C library module leaves out.
#ifndef MARTLET_CCURL_LINUX_H
#define MARTLET_CCURL_LINUX_H

#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

#endif
