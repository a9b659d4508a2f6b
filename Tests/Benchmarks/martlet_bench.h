/// The modes of martlet_bench that have a file of their own. Each opens an engine, prints its JSON line and ends the
/// engine.
#ifndef MARTLET_BENCH_H
#define MARTLET_BENCH_H

#include "options.h"

/// How fast threads can push.
void measure_pushes(const struct options *options);

/// What a queue in memory costs that only copies: no engine.
void measure_copies(const struct options *options);

/// What receivers that do not answer cost the webhooks beside them.
void measure_fairness(const struct options *options);

/// What a push costs with many webhooks registered, and what the webhooks cost.
void measure_index(const struct options *options);

/// How long an engine takes to open with what a killed process left behind.
void measure_recovery(const struct options *options);

/// What a long queue takes of the memory, and how much of it comes back.
void measure_memory(const struct options *options);

/// How long pushes take while the journal moves what is still needed out of old files.
void measure_compaction(const struct options *options);

#endif
