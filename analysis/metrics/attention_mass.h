#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/nd_array.h"
#include "core/budget/retention_plan.h"

namespace kvscope {

/// Attention mass of a batch by source scale: Σ over rows, queries of the target and keys of the
/// source of the softmax weight. Sums stay on the device until they are asked for, in one buffer
/// for all batches: work that was recorded on it can be replayed.
class AttentionMassSums {
 public:
  /// Throws Error when the plan picks tokens by content: their source scales are then unknown.
  AttentionMassSums(const RetentionPlan& plan, int heads);

  /// Sets everything to zero for a new batch whose mass lives on `device`.
  void begin(at::Device device);

  /// Adds (layer, target), in place of what an earlier call gave for it: `mass` [rows, heads of the
  /// group, tokens read] for each head group of the plan, read source scales ascending, the
  /// target's own tokens last. Throws Error when its tokens are not those of the plan.
  void add(int layer, int target, const std::vector<at::Tensor>& mass);

  /// [layer, head, target, source], 0 where the target did not read the source.
  NdArray<double> sums() const;

 private:
  const RetentionPlan& plan_;
  int heads_;
  at::Tensor sums_;  // float64
};

}  // namespace kvscope
