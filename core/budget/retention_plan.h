#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/budget.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// Heads of a layer that share one retention rule.
struct HeadGroup {
  int first_head = 0;
  int heads = 0;
};

/// What a budget means step by step: for every layer, head group and target scale, which cached
/// tokens the target reads. A scale always reads its own K and V besides; they are not counted.
///
/// This is the only place where a retention rule is turned into tokens; the runtime, the planner,
/// the report and the viewer all read it.
class RetentionPlan {
 public:
  /// Follows AMS-KV (arXiv 2511.16047): condensed scales locked, first in first out behind them.
  /// Throws Error when a capacity is below the tokens of its condensed scales.
  explicit RetentionPlan(const Budget& budget);

  int layers() const { return static_cast<int>(layers_.size()); }
  const ScaleSchedule& schedule() const { return schedule_; }
  const std::vector<HeadGroup>& head_groups(int layer) const;

  /// Cached tokens that target `target` of `layer` reads, without its own.
  std::int64_t read_tokens(int layer, int target, int group = 0) const;

  /// Tokens of scales ≤ `scale` that `layer` reads at some later target: what the cache must hold
  /// once `scale` is done. Zero after the last scale.
  std::int64_t held_tokens(int layer, int scale, int group = 0) const;

  /// The most of held_tokens over all scales: what `layer` keeps.
  std::int64_t most_held_tokens(int layer, int group = 0) const;

  /// Whether the plan is made of whole scales, so that source_scales is known.
  bool has_source_scales(int layer, int group = 0) const;

  /// Source scales that `target` reads, ascending. Throws Error unless has_source_scales.
  const std::vector<int>& source_scales(int layer, int target, int group = 0) const;

 private:
  struct Group {
    std::vector<std::vector<int>> sources;  // [target], empty when tokens are picked by content
    std::vector<std::int64_t> read_tokens;  // [target]
    std::vector<std::int64_t> held_tokens;  // [scale]
  };
  struct Layer {
    std::vector<HeadGroup> head_groups;
    std::vector<Group> groups;
  };

  const Group& group_of(int layer, int group) const;

  ScaleSchedule schedule_;
  std::vector<Layer> layers_;
};

}  // namespace kvscope
