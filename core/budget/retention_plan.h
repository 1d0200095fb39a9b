#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/head_group.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// What a budget means step by step: for every layer its head groups, each with what its targets
/// read.
///
/// A rule says itself what its heads keep (layer_rule.h). The runtime, the planner and the report
/// know it from here only.
class RetentionPlan {
 public:
  /// Throws Error for a rule that cannot be kept in the budget's model, or whose groups do not hold
  /// every head once.
  explicit RetentionPlan(const Budget& budget);

  int layers() const { return static_cast<int>(layers_.size()); }
  int heads() const { return heads_; }
  const ScaleSchedule& schedule() const { return schedule_; }

  /// Heads that keep the same, every head in one group.
  const std::vector<HeadGroup>& groups(int layer) const {
    return layers_.at(static_cast<std::size_t>(layer));
  }

  /// Cached tokens that target `target` of `layer` reads, summed over its heads.
  std::int64_t read_head_tokens(int layer, int target) const;

  /// Tokens that `layer` holds once `scale` is done, summed over its heads.
  std::int64_t held_head_tokens(int layer, int scale) const;

  /// The most of held_head_tokens over all scales: what `layer` keeps.
  std::int64_t most_held_head_tokens(int layer) const;

  /// Whether all of `layer` is made of whole scales.
  bool has_source_scales(int layer) const;

 private:
  ScaleSchedule schedule_;
  int heads_;
  std::vector<std::vector<HeadGroup>> layers_;
};

}  // namespace kvscope
