#include "analysis/layers/layer_statistics.h"

#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

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

NdArray<double> resample(const NdArray<double>& per_sample, const BootstrapOptions& options) {
  const std::int64_t samples = per_sample.shape[0];
  const std::int64_t layers = per_sample.shape[1];
  NdArray<double> means({options.resamples, layers});
  for (int resample = 0; resample < options.resamples; ++resample) {
    for (const std::int64_t sample : resampled_samples(options, resample, samples)) {
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        means(resample, layer) += per_sample(sample, layer);
      }
    }
  }
  for (double& mean : means.data) mean /= static_cast<double>(samples);
  return means;
}

}  // namespace

LayerStatistics layer_statistics(const NdArray<double>& per_sample,
                                 const BootstrapOptions& options) {
  check_values(per_sample);
  check_bootstrap(options);
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
  for (std::size_t layer = 0; layer < statistics.mean.size(); ++layer) {
    std::vector<double> values;
    values.reserve(static_cast<std::size_t>(options.resamples));
    for (int resample = 0; resample < options.resamples; ++resample) {
      values.push_back(statistics.resampled_means(resample, layer));
    }
    const Interval interval = middle_of(std::move(values), options.confidence);
    statistics.low[layer] = interval.low;
    statistics.high[layer] = interval.high;
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
