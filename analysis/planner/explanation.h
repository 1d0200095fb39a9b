#pragma once

#include <string>

#include "analysis/planner/planner.h"
#include "core/base/table.h"

namespace kvscope {

/// "cosine similarity of key, scale i−1 to i, 16 samples; 95 % bootstrap intervals".
std::string heading(const LayerStatistics& statistics);

/// Why intervals and stability say little: fewer than five samples or batches were
/// resampled. Empty when there are enough, or no intervals.
std::string doubt_of(const LayerStatistics& statistics);

/// One row per layer: statistic, interval, class and its stability, what it keeps, cached tokens
/// each target reads (column "→t" for target t), peak bytes held.
Table layer_table(const PlanExplanation& explanation);

/// What the columns of layer_table mean, one line.
std::string legend(const PlanExplanation& explanation);

/// Logical peak of the budget and of vanilla in bytes, against both denominators.
Table total_table(const PlanExplanation& explanation);

/// A rule in words: "all", "condensed 2, local 1" or "condensed 2, capacity 120".
std::string describe(const LayerRule& rule);

}  // namespace kvscope
