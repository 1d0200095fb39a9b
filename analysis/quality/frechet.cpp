#include "analysis/quality/frechet.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/tensor.h>

namespace kvscope {
namespace {

at::Tensor float64(const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kDouble); }

// Rounding makes zero eigenvalues slightly negative.
at::Tensor symmetric_root(const at::Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return vectors.mul(values.clamp_min(0).sqrt()).matmul(vectors.t());
}

/// Whether a label has one sample only.
bool any_alone(const std::vector<std::int32_t>& labels) {
  std::map<std::int32_t, int> counts;
  for (const std::int32_t label : labels) ++counts[label];
  return std::any_of(counts.begin(), counts.end(),
                     [](const auto& count) { return count.second == 1; });
}

double trace_of(const at::Tensor& matrix) { return matrix.diagonal().sum().item<double>(); }

}  // namespace

FrechetDistance::FrechetDistance(const at::Tensor& mean, const at::Tensor& covariance)
    : mean_(float64(mean)),
      root_(symmetric_root(float64(covariance))),
      trace_(trace_of(float64(covariance))) {}

double FrechetDistance::to(const at::Tensor& mean, const at::Tensor& covariance) const {
  const at::Tensor other = float64(covariance);
  // C1·C2 and the symmetric C2^½·C1·C2^½ have the same eigenvalues.
  const at::Tensor values = at::linalg_eigvalsh(root_.matmul(other).matmul(root_));
  const double shift = float64(mean).sub(mean_).square().sum().item<double>();
  const double common = values.clamp_min(0).sqrt().sum().item<double>();
  return std::max(0.0, shift + trace_of(other) + trace_ - 2 * common);
}

double FrechetDistance::to_samples(const at::Tensor& features) const {
  const std::int64_t samples = features.size(0);
  if (samples < 2) return std::numeric_limits<double>::quiet_NaN();
  const at::Tensor values = float64(features);
  const at::Tensor mean = values.mean(0);
  const at::Tensor centred = values.sub(mean);
  return to(mean, centred.t().matmul(centred).div(static_cast<double>(samples - 1)));
}

Estimate FrechetDistance::estimate(const at::Tensor& features,
                                   const std::vector<std::int32_t>& labels,
                                   const BootstrapOptions& options) const {
  check_bootstrap(options);
  const at::Tensor values = float64(features);
  const double value = to_samples(values);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  if (any_alone(labels)) return {value, unknown, unknown};
  std::vector<double> distances;
  distances.reserve(static_cast<std::size_t>(options.resamples));
  for (int resample = 0; resample < options.resamples; ++resample) {
    const std::vector<std::int64_t> drawn = resampled_within(options, resample, labels);
    distances.push_back(to_samples(values.index_select(0, at::tensor(drawn, at::kLong))));
  }
  const double mean = std::accumulate(distances.begin(), distances.end(), 0.0) /
                      static_cast<double>(distances.size());
  const Interval interval = middle_of(distances, options.confidence);
  return {value, std::max(0.0, value - (interval.high - mean)), value - (interval.low - mean)};
}

}  // namespace kvscope
