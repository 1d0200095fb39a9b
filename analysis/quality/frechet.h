#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/bootstrap.h"
#include "core/record/scores.h"

namespace kvscope {

/// Fréchet distance of Gaussians (Dowson and Landau, J. Multivariate Analysis 12, 1982) to a
/// reference: |m1 − m2|² + tr(C1 + C2 − 2·(C1·C2)^½), all in float64 on the CPU. Covariances may be
/// singular, as those of fewer samples than features are.
class FrechetDistance {
 public:
  /// The reference's mean [F] and covariance [F, F].
  FrechetDistance(const at::Tensor& mean, const at::Tensor& covariance);

  /// To a Gaussian of this mean [F] and covariance [F, F].
  double to(const at::Tensor& mean, const at::Tensor& covariance) const;

  /// To the Gaussian with the mean and the unbiased covariance of features [sample, F]; NaN with
  /// fewer than two samples.
  double to_samples(const at::Tensor& features) const;

  /// The same with an interval. The labels were chosen and not drawn, so resamples keep how many
  /// samples each label has. Otherwise the mixture of the classes would seem to vary. A label with
  /// n samples understates its variance by the factor (n − 1)/n. There is no interval where a label
  /// has a single sample.
  ///
  /// The distance of a finite sample lies above that of infinitely many, the more so the fewer
  /// there are. A resample repeats samples, and so lies above it once more. The second shift is
  /// taken out: the interval is the basic bootstrap's around the mean of the resamples, value −
  /// (quantile − mean), not below 0. The first shift stays, in the value and in the interval. Both
  /// are thus of the expected distance at this number of samples, and compare only with those of
  /// equally many.
  Estimate estimate(const at::Tensor& features, const std::vector<std::int32_t>& labels,
                    const BootstrapOptions& options) const;

 private:
  at::Tensor mean_;
  at::Tensor root_;  // of the covariance, symmetric
  double trace_;
};

}  // namespace kvscope
