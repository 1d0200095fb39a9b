#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/budget/head_set.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// Source scales that each target reads, ascending, [target].
using SourceScales = std::vector<std::vector<int>>;

/// What some heads of a layer keep, known before generation: how many cached tokens, and which
/// source scales where whole ones stay. A scale always reads its own K and V besides; they are not
/// counted.
class HeadGroup {
 public:
  /// Whole scales. Throws Error unless `sources` names, for each target, earlier scales in
  /// ascending order, none of them again after a target that did not read it.
  static HeadGroup of_whole_scales(HeadSet heads, const ScaleSchedule& schedule,
                                   SourceScales sources);

  /// Tokens that are picked by content: `read` counts what each target reads, [target], `held` what
  /// is held once each scale is done, [scale]. Throws Error unless every target reads no more than
  /// was held, no more is held than was and came, and nothing after the last scale.
  static HeadGroup of_picked_tokens(HeadSet heads, const ScaleSchedule& schedule,
                                    std::vector<std::int64_t> read, std::vector<std::int64_t> held);

  const HeadSet& heads() const { return heads_; }

  /// Cached tokens that `target` reads, without its own.
  std::int64_t read_tokens(int target) const { return read_.at(static_cast<std::size_t>(target)); }

  /// Tokens of scales ≤ `scale` that the cache must hold once `scale` is done, because some later
  /// target may read them. Zero after the last scale.
  std::int64_t held_tokens(int scale) const { return held_.at(static_cast<std::size_t>(scale)); }

  /// The most of held_tokens over all scales.
  std::int64_t most_held_tokens() const;

  /// Whether whole scales stay, so that source_scales is known.
  bool has_source_scales() const { return !sources_.empty(); }

  /// Source scales that `target` reads, ascending. Throws Error unless has_source_scales.
  const std::vector<int>& source_scales(int target) const;

 private:
  explicit HeadGroup(HeadSet heads) : heads_(std::move(heads)) {}

  HeadSet heads_;
  std::vector<std::int64_t> read_;  // [target]
  std::vector<std::int64_t> held_;  // [scale]
  SourceScales sources_;            // empty when tokens are picked by content
};

}  // namespace kvscope
