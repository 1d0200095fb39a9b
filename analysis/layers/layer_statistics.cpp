#include "analysis/layers/layer_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/random_mode.h"

namespace kvscope {
namespace {

void check_values(const NdArray<double>& per_sample) {
  if (per_sample.shape.size() != 2 || per_sample.empty()) {
    throw Error("[layers] layer statistic: expected at least one sample, got none");
  }
  for (std::int64_t layer = 0; layer < per_sample.shape[1]; ++layer) {
    for (std::int64_t sample = 0; sample < per_sample.shape[0]; ++sample) {
      const double value = per_sample(sample, layer);
      if (std::isfinite(value)) continue;
      throw Error(fmt::format(
          "[layers] layer {}: expected a finite statistic, got {} in sample {}: its K or V held "
          "values that are not finite, or was not kept for this layer",
          layer, value, sample));
    }
  }
}

std::vector<double> means_over_samples(const NdArray<double>& per_sample) {
  const std::int64_t samples = per_sample.shape[0];
  std::vector<double> means;
  for (std::int64_t layer = 0; layer < per_sample.shape[1]; ++layer) {
    double sum = 0;
    for (std::int64_t sample = 0; sample < samples; ++sample) sum += per_sample(sample, layer);
    means.push_back(sum / static_cast<double>(samples));
  }
  return means;
}

// Own generator: the standard library's distributions differ between implementations. The bias of
// the remainder is below 2^-40 for any number of samples a file holds.
NdArray<double> resample(const NdArray<double>& per_sample, const BootstrapOptions& options) {
  const std::int64_t samples = per_sample.shape[0];
  const std::int64_t layers = per_sample.shape[1];
  NdArray<double> means({options.resamples, layers});
  std::uint64_t draw = 0;
  for (int resample = 0; resample < options.resamples; ++resample) {
    for (std::int64_t i = 0; i < samples; ++i) {
      const auto sample = static_cast<std::int64_t>(splitmix64(options.seed, draw++) %
                                                    static_cast<std::uint64_t>(samples));
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        means(resample, layer) += per_sample(sample, layer);
      }
    }
  }
  for (double& mean : means.data) mean /= static_cast<double>(samples);
  return means;
}

// Linear between order statistics, as numpy.percentile does by default.
double percentile(const std::vector<double>& sorted, double fraction) {
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const std::size_t below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

}  // namespace

LayerStatistics layer_statistics(const NdArray<double>& per_sample,
                                 const BootstrapOptions& options) {
  check_values(per_sample);
  if (options.resamples < 1 || !(options.confidence > 0 && options.confidence < 1)) {
    throw UsageError(fmt::format(
        "bootstrap: expected at least 1 resample and a confidence in (0, 1), got {} and {}",
        options.resamples, options.confidence));
  }
  LayerStatistics statistics;
  statistics.samples = per_sample.shape[0];
  statistics.confidence = options.confidence;
  statistics.mean = means_over_samples(per_sample);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  statistics.low.assign(statistics.mean.size(), unknown);
  statistics.high.assign(statistics.mean.size(), unknown);
  // One sample says nothing about spread: an interval of zero width would look certain.
  if (statistics.samples < 2) return statistics;

  statistics.resampled_means = resample(per_sample, options);
  const double tail = (1 - options.confidence) / 2;
  for (std::size_t layer = 0; layer < statistics.mean.size(); ++layer) {
    std::vector<double> values;
    values.reserve(static_cast<std::size_t>(options.resamples));
    for (int resample = 0; resample < options.resamples; ++resample) {
      values.push_back(statistics.resampled_means(resample, layer));
    }
    std::sort(values.begin(), values.end());
    statistics.low[layer] = percentile(values, tail);
    statistics.high[layer] = percentile(values, 1 - tail);
  }
  return statistics;
}

LayerStatistics layer_statistics(const Statistics& statistics, Metric metric, KvTensor tensor,
                                 const BootstrapOptions& options) {
  const NdArray<double>& per_sample = statistics.layer_statistic(metric, tensor);
  if (per_sample.empty()) {
    throw Error(
        fmt::format("[layers] layer statistic: expected {} similarity of {}, got a file without it",
                    name_of(metric), name_of(tensor)));
  }
  return layer_statistics(per_sample, options);
}

}  // namespace kvscope
