#pragma once

#include <span>

#include "analysis/layers/layer_statistic_values.h"
#include "core/geometry/scale_schedule.h"
#include "core/record/statistics.h"

namespace kvscope {

/// How much a layer looks at what an efficient layer would have dropped.
///
/// Distant sources of target i are the scales j with 2 ≤ j < i−1: neither condensed nor local, of
/// which there are the default numbers of budget.h, nor the target itself. Only targets that have
/// one count, i ≥ 4. Both measures are means over heads and those targets, from attention mass
/// m(j←i), with T_i tokens in scale i.
enum class DistantAttention {
  /// Attention share of distant sources, Σ_j m(j←i) / T_i: 0 to 1. Large scales
  /// weigh more, as they do in the attention.
  mass,
  /// Density d(j←i) = m(j←i) / T_j of a distant source, against the density T_i / Σ_{k≤i} T_k of
  /// attention spread evenly; mean over distant sources: every scale weighs the same, 1 is even.
  density,
};

/// Minus the measure, so that low values ask for long history. The file keeps sums over batches, no
/// samples: intervals come from batches. Throws Error when attention mass was not collected, or the
/// model has fewer than five scales.
LayerStatisticValues attention_statistic(std::span<const BatchStatistics> batches,
                                         const ScaleSchedule& schedule, DistantAttention measure,
                                         const BootstrapOptions& options = {});

}  // namespace kvscope
