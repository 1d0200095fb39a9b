#include "analysis/layers/layer_statistic_values.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// Sums over the samples of each unit that is resampled: a sample, or a batch.
struct Units {
  const NdArray<double>& sums;  // [unit, layer]
  std::span<const std::int64_t> samples;

  std::int64_t count() const { return sums.shape[0]; }
  std::int64_t layers() const { return sums.shape[1]; }
};

void check_values(const NdArray<double>& values, std::string_view unit, std::string_view cause) {
  if (values.shape.size() != 2 || values.empty()) {
    throw Error("[layers] layer statistic: expected at least one sample, got none");
  }
  for (std::int64_t layer = 0; layer < values.shape[1]; ++layer) {
    for (std::int64_t index = 0; index < values.shape[0]; ++index) {
      const double value = values(index, layer);
      if (std::isfinite(value)) continue;
      throw Error(fmt::format("[layers] layer {}: expected a finite statistic, got {} in {} {}{}{}",
                              layer, value, unit, index, cause.empty() ? "" : ": ", cause));
    }
  }
}

std::vector<double> means_over_units(const Units& units) {
  const auto samples = static_cast<double>(
      std::accumulate(units.samples.begin(), units.samples.end(), std::int64_t{0}));
  std::vector<double> means;
  for (std::int64_t layer = 0; layer < units.layers(); ++layer) {
    double sum = 0;
    for (std::int64_t unit = 0; unit < units.count(); ++unit) sum += units.sums(unit, layer);
    means.push_back(sum / samples);
  }
  return means;
}

NdArray<double> resample(const Units& units, const BootstrapOptions& options) {
  NdArray<double> means({options.resamples, units.layers()});
  for (int resample = 0; resample < options.resamples; ++resample) {
    std::int64_t samples = 0;
    for (const std::int64_t unit : resampled_samples(options, resample, units.count())) {
      samples += units.samples[static_cast<std::size_t>(unit)];
      for (std::int64_t layer = 0; layer < units.layers(); ++layer) {
        means(resample, layer) += units.sums(unit, layer);
      }
    }
    for (std::int64_t layer = 0; layer < units.layers(); ++layer) {
      means(resample, layer) /= static_cast<double>(samples);
    }
  }
  return means;
}

void add_intervals(LayerStatisticValues& statistics, const Units& units,
                   const BootstrapOptions& options) {
  statistics.resampled_means = resample(units, options);
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
}

LayerStatisticValues statistics_of(const Units& units, const BootstrapOptions& options) {
  check_bootstrap(options);
  LayerStatisticValues statistics =
      layer_statistic_values(means_over_units(units), LayerDemand::measured);
  statistics.samples = std::accumulate(units.samples.begin(), units.samples.end(), std::int64_t{0});
  statistics.confidence = options.confidence;
  // One unit says nothing about spread: an interval of zero width would look certain.
  if (units.count() >= 2) add_intervals(statistics, units, options);
  return statistics;
}

}  // namespace

LayerStatisticValues layer_statistic_values(const NdArray<double>& per_sample,
                                            const BootstrapOptions& options,
                                            std::string_view cause) {
  check_values(per_sample, "sample", cause);
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(per_sample.shape[0]), 1);
  return statistics_of({per_sample, ones}, options);
}

LayerStatisticValues layer_statistic_values(const NdArray<double>& batch_sums,
                                            std::span<const std::int64_t> batch_samples,
                                            const BootstrapOptions& options,
                                            std::string_view cause) {
  check_values(batch_sums, "batch", cause);
  LayerStatisticValues statistics = statistics_of({batch_sums, batch_samples}, options);
  statistics.batches = batch_sums.shape[0];
  return statistics;
}

LayerStatisticValues layer_statistic_values(std::vector<double> values, LayerDemand demand) {
  LayerStatisticValues statistics;
  statistics.demand = demand;
  statistics.mean = std::move(values);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  statistics.low.assign(statistics.mean.size(), unknown);
  statistics.high.assign(statistics.mean.size(), unknown);
  return statistics;
}

}  // namespace kvscope
