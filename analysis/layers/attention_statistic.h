#pragma once

#include <span>

#include "analysis/layers/layer_statistic_values.h"
#include "core/geometry/scale_schedule.h"
#include "core/record/statistics.h"

namespace kvscope {

/// How much a layer looks at what an efficient layer would have dropped.
///
/// The distant sources of target i are the scales j with 2 ≤ j < i−1. They are neither condensed
/// nor local under the default rule of budget.h. Targets below 4 have none and do not count.
///
/// Both measures are means over heads and the targets i ≥ 4. They are made from the attention mass
/// m(j←i), with T_i tokens in scale i.
enum class DistantAttention {
  /// Attention share of the distant sources: Σ_j m(j←i) / T_i, from 0 to 1. Large scales weigh
  /// more, as they do in the attention.
  mass,
  /// Mean over the distant sources of their density d(j←i) = m(j←i) / T_j, in units of the density
  /// of attention that is spread evenly, T_i / Σ_{k≤i} T_k. So 1 is even, and every scale weighs
  /// the same.
  density,
};

/// Minus the measure, so that low values ask for long history. The file has sums over batches and
/// none over samples, so the intervals come from batches. Throws Error when attention mass was not
/// collected, or the model has fewer than five scales.
LayerStatisticValues attention_statistic(std::span<const BatchStatistics> batches,
                                         const ScaleSchedule& schedule, DistantAttention measure,
                                         const BootstrapOptions& options = {});

}  // namespace kvscope
