#pragma once

#include "analysis/planner/planner.h"
#include "core/base/table.h"

namespace kvscope {

/// One row per layer: statistic, interval, class and its stability, what it keeps, cached tokens
/// each target reads (column "→t" for target t), peak bytes held.
Table layer_table(const PlanExplanation& explanation);

/// Logical peak of the budget and of vanilla in bytes, against both denominators.
Table total_table(const PlanExplanation& explanation);

/// A rule in words: "all", "condensed 2, local 1" or "condensed 2, capacity 120".
std::string describe(const LayerRule& rule);

}  // namespace kvscope
