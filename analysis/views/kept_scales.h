#pragma once

#include <cstdint>
#include <vector>

#include "core/base/nd_array.h"
#include "core/budget/budget.h"

namespace kvscope {

/// Which source scales the layers of a budget keep, for whom.
struct KeptScales {
  std::vector<LayerClass> classes;  ///< [layer]
  /// [layer]: false for a policy that picks tokens by content, of which only numbers are known.
  std::vector<bool> whole_scales;
  /// Part of a source that a target reads, [layer, target, source], mean over heads: 0 or 1 where
  /// all heads keep the same whole scales; by content the same part of all earlier tokens. NaN for
  /// sources that do not come before the target.
  NdArray<double> read;
  /// The mean of `read` over later targets, [layer, source], without the last scale, which nobody
  /// reads; by content what the last target reads.
  NdArray<double> share;
  /// Cached tokens that a target reads, [layer, target]: mean over heads, rounded down.
  NdArray<std::int64_t> read_tokens;
};

/// Throws Error for a budget that cannot be planned, see RetentionPlan.
KeptScales kept_scales(const Budget& budget);

}  // namespace kvscope
