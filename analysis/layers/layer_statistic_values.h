#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bootstrap.h"
#include "core/base/nd_array.h"

namespace kvscope {

/// What the values of a layer statistic can tell.
enum class LayerDemand {
  measured,  ///< a value for each layer: θ and gaps between layers mean something
  ordered,   ///< only which layer comes first: a limit or a number of layers decides
  none,      ///< nothing: all layers are treated alike
};

/// A value for every layer, with its uncertainty from a percentile bootstrap. A low value always
/// asks for long history. So a measure that grows with demand is held as minus itself; people see
/// and give it without the minus.
struct LayerStatisticValues {
  std::string name;      ///< as the list of statistics has it, e.g. "cosine-key"
  std::string meaning;   ///< of the values as shown: "cosine similarity of key, scale i−1 to i"
  bool negated = false;  ///< held as minus the measure
  LayerDemand demand = LayerDemand::measured;
  std::int64_t samples = 0;  ///< behind each value; 0 where no samples are
  std::int64_t batches = 0;  ///< resampled in place of samples, when sums over batches are all
                             ///< there is; else 0
  double confidence = 0;
  std::vector<double> mean;         ///< [layer]; NaN without demand
  std::vector<double> low;          ///< [layer], interval; NaN with fewer than two resampled units
  std::vector<double> high;         ///< [layer]
  NdArray<double> resampled_means;  ///< [resample, layer]; empty with fewer than two units

  /// A value as people see it and as they give a threshold. The same call leads back.
  double shown(double value) const { return negated ? 0 - value : value; }
  Interval shown_interval(std::size_t layer) const {
    return negated ? Interval{shown(high[layer]), shown(low[layer])}
                   : Interval{low[layer], high[layer]};
  }

  int layers() const { return static_cast<int>(mean.size()); }
};

/// From values per sample, [sample, layer]. All layers of a resample share its samples, so that
/// comparisons between layers stay paired. Throws Error for no samples, and for a value that is not
/// finite: the message names its layer, its sample and the usual `cause`.
LayerStatisticValues layer_statistic_values(const NdArray<double>& per_sample,
                                            const BootstrapOptions& options = {},
                                            std::string_view cause = {});

/// From sums over the samples of each batch, [batch, layer]. Batches are resampled. The interval
/// thus says how far batches differ, and many of them are needed. Throws like the other.
LayerStatisticValues layer_statistic_values(const NdArray<double>& batch_sums,
                                            std::span<const std::int64_t> batch_samples,
                                            const BootstrapOptions& options = {},
                                            std::string_view cause = {});

/// Values without samples behind them: no intervals.
LayerStatisticValues layer_statistic_values(std::vector<double> values, LayerDemand demand);

}  // namespace kvscope
