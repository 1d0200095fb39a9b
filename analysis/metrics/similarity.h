#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/metrics/similarity_kernel.h"
#include "core/geometry/scale_schedule.h"
#include "core/record/statistics.h"

namespace kvscope {

/// K or V of one (sample, head) compared between all its scales.
struct HeadSimilarity {
  std::vector<double> cosine;  ///< [target, source], mean over tokens; NaN where source ≥ target
  std::vector<double> neg_l2;  ///< the same, minus the l2 norm of the difference
  std::vector<double> norm;    ///< [scale], mean l2 norm over tokens
};

/// Inter-scale similarity (after AMS-KV, arXiv 2511.16047): the map of source j is resized to
/// target i, bilinear with align_corners = false, then compared token by token. The one
/// implementation: during a run and on raw files.
class InterScaleSimilarity {
 public:
  /// `scales` are the scales present on the token axis, ascending; empty means all. Everything that
  /// involves an absent scale is NaN.
  InterScaleSimilarity(const ScaleSchedule& schedule, int channels, std::vector<int> scales = {});

  int scales() const { return schedule_.scales(); }
  int channels() const { return channels_; }
  std::int64_t tokens() const { return tokens_; }  ///< of the scales present

  /// `rows` is [token, channel] float32, row-major. Safe to call from several threads.
  HeadSimilarity of_head(const float* rows) const;

 private:
  static constexpr std::int64_t absent = -1;

  ScaleSchedule schedule_;
  int channels_;
  std::int64_t tokens_ = 0;
  std::vector<std::int64_t> begin_;            // [scale], `absent` when not on the token axis
  std::vector<std::vector<ResizeAxis>> axes_;  // [target][source < target]
};

/// Room for the similarity of a batch: every value NaN until store_layer sets it.
BatchStatistics empty_similarity(std::int64_t samples, int layers, int heads, int scales);

/// Sets K or V of one layer from `results` [sample, kept head], added in the order of the samples.
/// `kept_heads` are the model's indices of the heads in `results`. The layer statistic is the mean
/// over all heads and all targets of source i−1: NaN when any of them is missing.
void store_layer(KvTensor tensor, int layer, const std::vector<int>& kept_heads,
                 std::span<const HeadSimilarity> results, BatchStatistics& statistics);

}  // namespace kvscope
