/// The modes of martlet_bench that have a file of their own. Each opens an engine, prints its JSON line and ends the
/// engine.
#ifndef MARTLET_BENCH_H
#define MARTLET_BENCH_H

#include "options.h"

/// What receivers that do not answer cost the webhooks beside them.
void measure_fairness(const struct options *options);

/// What a push costs with many webhooks registered, and what the webhooks cost.
void measure_index(const struct options *options);

#endif
