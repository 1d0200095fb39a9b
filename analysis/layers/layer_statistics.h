#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bootstrap.h"
#include "core/base/nd_array.h"
#include "core/capture/statistics.h"

namespace kvscope {

/// The layer statistic (mean similarity of source i−1 to target i, over targets and samples) with
/// its uncertainty, a percentile bootstrap over samples. Cosine and neg_l2 both grow with
/// similarity: a low value asks for long history.
struct LayerStatistics {
  std::int64_t samples = 0;
  double confidence = 0;
  std::vector<double> mean;         ///< [layer]
  std::vector<double> low;          ///< [layer], interval; NaN with fewer than two samples
  std::vector<double> high;         ///< [layer]
  NdArray<double> resampled_means;  ///< [resample, layer]; empty with fewer than two samples

  int layers() const { return static_cast<int>(mean.size()); }
};

/// From per-sample values [sample, layer]. All layers of a resample share its samples, so that
/// comparisons between layers stay paired. Throws Error naming layer and sample of a value that is
/// not finite, and for no samples.
LayerStatistics layer_statistics(const NdArray<double>& per_sample,
                                 const BootstrapOptions& options = {});

/// The same of one metric and tensor. Throws Error when it was not collected.
LayerStatistics layer_statistics(const Statistics& statistics, Metric metric, KvTensor tensor,
                                 const BootstrapOptions& options = {});

}  // namespace kvscope
