#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/nd_array.h"
#include "core/budget/retention_plan.h"
#include "core/cache/kv_cache.h"

namespace kvscope {

/// Attention mass of a batch by source scale: Σ over rows, queries of the target and keys of the
/// source of the softmax weight. Sums stay on the device until they are asked for, in one buffer
/// for all batches: work that was recorded on it can be replayed.
///
/// The source of a read token is what its position says; without positions what the plan says, when
/// whole scales stay. Where neither says it, the mass of that target is NaN and counted.
class AttentionMassSums {
 public:
  AttentionMassSums(const RetentionPlan& plan, int heads);

  /// Sets everything to zero for a new batch whose mass lives on `device`.
  void begin(at::Device device);

  /// Adds (layer, target), in place of what an earlier call gave for it: what it read, and the mass
  /// of each group of it, [rows, heads of the group, tokens read]. Throws Error when groups or
  /// tokens are not those of the plan.
  void add(int layer, int target, const KvView& read, const std::vector<at::Tensor>& mass);

  /// [layer, head, target, source]: 0 where the target did not read the source, NaN in every source
  /// up to the target where it is not known which ones were read.
  NdArray<double> sums() const;

  /// Rows of sums() that are NaN: how many (layer, head, target) could not be told apart by source.
  std::int64_t unattributed_rows() const;

 private:
  void check(const HeadGroup& group, int layer, int target, const at::Tensor& mass) const;
  at::Tensor by_plan(const HeadGroup& group, int target, const at::Tensor& mass) const;
  at::Tensor by_position(const at::Tensor& positions, const at::Tensor& mass) const;

  const RetentionPlan& plan_;
  int heads_;
  at::Tensor sums_;             // float64
  at::Tensor scale_of_token_;   // [total tokens] int64, on the device of sums_
  NdArray<int> unknown_heads_;  // [layer, target]
};

}  // namespace kvscope
