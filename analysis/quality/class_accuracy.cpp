#include "analysis/quality/class_accuracy.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kvscope {
namespace {

double mean_of(const std::vector<double>& hits, const std::vector<std::int64_t>& samples) {
  double sum = 0;
  for (const std::int64_t sample : samples) sum += hits[static_cast<std::size_t>(sample)];
  return sum / static_cast<double>(samples.size());
}

Interval interval_of(const std::vector<double>& hits, const BootstrapOptions& options) {
  const auto samples = static_cast<std::int64_t>(hits.size());
  const double tail = (1 - options.confidence) / 2;
  const double exact = std::pow(tail, 1.0 / static_cast<double>(samples));
  const auto recognised = std::count(hits.begin(), hits.end(), 1.0);
  if (recognised == samples) return {exact, 1};
  if (recognised == 0) return {0, 1 - exact};
  std::vector<double> means;
  means.reserve(static_cast<std::size_t>(options.resamples));
  for (int resample = 0; resample < options.resamples; ++resample) {
    means.push_back(mean_of(hits, resampled_samples(options, resample, samples)));
  }
  return middle_of(std::move(means), options.confidence);
}

}  // namespace

Estimate class_accuracy(const std::vector<std::int32_t>& labels,
                        const std::vector<std::int32_t>& predicted,
                        const BootstrapOptions& options) {
  check_bootstrap(options);
  if (labels.empty()) return {};
  const double accuracy = accuracy_of(class_scores(labels, predicted));
  std::vector<double> hits;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    hits.push_back(labels[i] == predicted.at(i) ? 1 : 0);
  }
  const Interval interval = interval_of(hits, options);
  return {accuracy, interval.low, interval.high};
}

}  // namespace kvscope
