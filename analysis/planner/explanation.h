#pragma once

#include <string>
#include <vector>

#include "analysis/planner/planner.h"
#include "core/base/table.h"

namespace kvscope {

/// "cosine similarity of key, scale i−1 to i, 16 samples; 95 % bootstrap intervals; low is
/// demanding".
std::string heading(const LayerStatisticValues& statistics);

/// Why intervals and stability say little, when fewer than five samples or batches were resampled.
/// Empty when there are enough, or no intervals.
std::string doubt_of(const LayerStatisticValues& statistics);

/// One row per layer, with these columns: statistic, interval, class and its stability, what it
/// keeps, the most cached tokens it holds, the cached tokens that each target reads ("→t" for
/// target t), and the peak of what it holds.
Table layer_table(const PlanExplanation& explanation);

/// The same without the statistic, of any budget.
Table layer_table(const std::vector<KeptTokens>& layers);

/// What the columns of layer_table mean, one line.
std::string legend(const PlanExplanation& explanation);

/// Likewise, of any budget.
std::string legend(const KvShape& shape);

/// Logical peak of the budget and of vanilla, against both denominators, and what a run takes.
Table total_table(const PlanExplanation& explanation);

/// What the limit leaves, and what --fill would make of it: "asked 0.2 of read, got 0.1942; --fill
/// would get 0.1997". Empty without a limit, and where nothing is left.
std::string room_left(const PlanExplanation& explanation);

/// Bytes as plan and info print them: with enough digits to tell a budget from its limit.
std::string plan_bytes(std::int64_t bytes);

}  // namespace kvscope
