#include "analysis/layers/layer_classes.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// A value above `low` and at most `high`: rounding may not put it on `low`, which is below θ.
double between(double low, double high) {
  const double middle = std::midpoint(low, high);
  return middle > low ? middle : high;
}

double widest_gap_theta(std::span<const double> statistic) {
  std::vector<double> sorted(statistic.begin(), statistic.end());
  std::sort(sorted.begin(), sorted.end());
  double theta = sorted.front();
  double widest = 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i] - sorted[i - 1] <= widest) continue;
    widest = sorted[i] - sorted[i - 1];
    theta = between(sorted[i - 1], sorted[i]);
  }
  return theta;
}

std::vector<LayerClass> below(std::span<const double> statistic, double theta) {
  std::vector<LayerClass> classes;
  for (const double value : statistic) {
    classes.push_back(value < theta ? LayerClass::demanding : LayerClass::efficient);
  }
  return classes;
}

std::size_t checked_count(std::span<const double> statistic, const MostDemanding& rule) {
  if (rule.layers < 0 || static_cast<std::size_t>(rule.layers) > statistic.size()) {
    throw UsageError(
        fmt::format("demanding layers: expected 0 to {}, got {}", statistic.size(), rule.layers));
  }
  return static_cast<std::size_t>(rule.layers);
}

}  // namespace

std::vector<std::size_t> demand_order(std::span<const double> statistic) {
  std::vector<std::size_t> order(statistic.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return statistic[a] < statistic[b]; });
  return order;
}

std::vector<LayerClass> classify(std::span<const double> statistic, const ClassRule& rule) {
  if (const auto* threshold = std::get_if<BelowTheta>(&rule)) {
    return below(statistic, threshold->theta);
  }
  if (const auto* most = std::get_if<MostDemanding>(&rule)) {
    const std::size_t count = checked_count(statistic, *most);
    const std::vector<std::size_t> order = demand_order(statistic);
    std::vector<LayerClass> classes(statistic.size(), LayerClass::efficient);
    for (std::size_t i = 0; i < count; ++i) classes[order[i]] = LayerClass::demanding;
    return classes;
  }
  return below(statistic, widest_gap_theta(statistic));
}

std::optional<double> theta_of(std::span<const double> statistic, const ClassRule& rule) {
  if (const auto* threshold = std::get_if<BelowTheta>(&rule)) return threshold->theta;
  if (std::holds_alternative<WidestGap>(rule)) return widest_gap_theta(statistic);
  const std::size_t count = checked_count(statistic, std::get<MostDemanding>(rule));
  std::vector<double> sorted(statistic.begin(), statistic.end());
  std::sort(sorted.begin(), sorted.end());
  if (count == sorted.size()) return std::nullopt;
  if (count == 0) return sorted.front();
  if (sorted[count - 1] == sorted[count]) return std::nullopt;
  return between(sorted[count - 1], sorted[count]);
}

std::vector<double> class_stability(const LayerStatisticValues& statistics, const ClassRule& rule) {
  const std::vector<LayerClass> classes = classify(statistics.mean, rule);
  const std::size_t layers = classes.size();
  if (statistics.resampled_means.empty()) {
    return std::vector<double>(layers, std::numeric_limits<double>::quiet_NaN());
  }
  const std::size_t resamples = static_cast<std::size_t>(statistics.resampled_means.shape[0]);
  std::vector<std::int64_t> agreeing(layers, 0);
  for (std::size_t resample = 0; resample < resamples; ++resample) {
    const std::span<const double> means(&statistics.resampled_means(resample, 0), layers);
    const std::vector<LayerClass> resampled = classify(means, rule);
    for (std::size_t layer = 0; layer < layers; ++layer) {
      agreeing[layer] += resampled[layer] == classes[layer] ? 1 : 0;
    }
  }
  std::vector<double> stability;
  stability.reserve(layers);
  for (const std::int64_t count : agreeing) {
    stability.push_back(static_cast<double>(count) / static_cast<double>(resamples));
  }
  return stability;
}

}  // namespace kvscope
