// What a user would lose: a distance that is no Fréchet distance, or an interval that does not hold
// what it says.

#include "analysis/quality/frechet.h"

#include <cmath>

#include <ATen/Context.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

namespace kvscope {
namespace {

// Square roots of eigenvalues that are zero but for rounding, 1e-16: up to 1e-8 each.
constexpr double singular_tolerance = 1e-6;

at::Tensor diagonal(const std::vector<double>& values) {
  return at::diag(at::tensor(values, at::kDouble));
}

at::Tensor normal_samples(std::int64_t samples, std::int64_t features, std::uint64_t seed) {
  at::manual_seed(seed);
  return at::randn({samples, features}, at::kDouble);
}

TEST(FrechetDistance, OfDiagonalCovariancesHasAClosedForm) {
  const FrechetDistance reference(at::zeros({3}, at::kDouble), diagonal({4, 1, 9}));
  // Σ (√a − √b)² over the axes.
  EXPECT_NEAR(reference.to(at::zeros({3}, at::kDouble), diagonal({1, 1, 16})), 1 + 0 + 1, 1e-12);
}

TEST(FrechetDistance, OfAShiftIsItsSquare) {
  const FrechetDistance reference(at::tensor({1.0, 2.0}), diagonal({2, 3}));
  EXPECT_NEAR(reference.to(at::tensor({4.0, -2.0}), diagonal({2, 3})), 9 + 16, 1e-12);
}

TEST(FrechetDistance, DoesNotDependOnTheAxes) {
  const at::Tensor rotation = std::get<0>(at::linalg_qr(normal_samples(3, 3, 1)));
  const auto turned = [&](const std::vector<double>& values) {
    return rotation.matmul(diagonal(values)).matmul(rotation.t());
  };
  const at::Tensor mean = at::zeros({3}, at::kDouble);
  EXPECT_NEAR(FrechetDistance(mean, turned({4, 1, 9})).to(mean, turned({1, 1, 16})), 2, 1e-12);
  // Covariances that do not commute: tr (A·B)^½ of 2 × 2 matrices is √(tr AB + 2·√det AB).
  const at::Tensor a = at::tensor({2.0, 1.0, 1.0, 3.0}, at::kDouble).view({2, 2});
  const at::Tensor b = diagonal({5, 1});
  const double common = std::sqrt(2.0 * 5 + 3.0 * 1 + 2 * std::sqrt(5.0 * 5.0));
  const at::Tensor origin = at::zeros({2}, at::kDouble);
  EXPECT_NEAR(FrechetDistance(origin, a).to(origin, b), 5 + 6 - 2 * common, 1e-12);
}

TEST(FrechetDistance, OfEqualSetsIsZero) {
  const at::Tensor samples = normal_samples(50, 8, 2);
  const at::Tensor centred = samples - samples.mean(0);
  const FrechetDistance reference(samples.mean(0), centred.t().matmul(centred).div(49));
  EXPECT_NEAR(reference.to_samples(samples), 0, 1e-12);
}

// Few samples span few directions: the rest of the reference's variance is all missing.
TEST(FrechetDistance, TakesSingularCovariances) {
  const FrechetDistance reference(at::zeros({6}, at::kDouble), diagonal({1, 1, 1, 1, 1, 1}));
  const at::Tensor two =
      at::tensor({-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0}, at::kDouble)
          .view({2, 6});
  // Variance 2 along one axis, 0 along five.
  EXPECT_NEAR(reference.to_samples(two), std::pow(std::sqrt(2.0) - 1, 2) + 5, singular_tolerance);
  const FrechetDistance nothing(at::zeros({6}, at::kDouble), at::zeros({6, 6}, at::kDouble));
  EXPECT_NEAR(nothing.to_samples(two), 2, singular_tolerance);
}

TEST(FrechetDistance, OfOneSampleIsUnknown) {
  const FrechetDistance reference(at::zeros({2}, at::kDouble), diagonal({1, 1}));
  EXPECT_TRUE(std::isnan(reference.to_samples(at::ones({1, 2}, at::kDouble))));
  EXPECT_TRUE(std::isnan(reference.estimate(at::ones({1, 2}, at::kDouble), {}).high));
}

TEST(FrechetDistance, IntervalsRepeatAndHoldTheValue) {
  const FrechetDistance reference(at::ones({4}, at::kDouble), diagonal({1, 2, 3, 4}));
  const at::Tensor samples = normal_samples(30, 4, 3);
  const Estimate first = reference.estimate(samples, {.resamples = 200});
  const Estimate second = reference.estimate(samples, {.resamples = 200});
  EXPECT_EQ(first.value, reference.to_samples(samples));
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_LT(first.low, first.value);
  EXPECT_GT(first.high, first.value);
}

// Percentiles of the resamples themselves would miss it nearly always: at 40 samples of 8 features
// a resample lies about 0.2 above its samples, which the interval is about 0.2 wide.
TEST(FrechetDistance, IntervalsHoldTheExpectedDistanceOfThatManySamples) {
  const std::int64_t features = 8;
  at::Tensor mean = at::zeros({features}, at::kDouble);
  const FrechetDistance reference(mean, diagonal(std::vector<double>(features, 1.0)));
  constexpr int sets = 100;
  std::vector<Estimate> estimates;
  double expected = 0;
  for (int set = 0; set < sets; ++set) {
    estimates.push_back(reference.estimate(
        normal_samples(40, features, static_cast<std::uint64_t>(100 + set)), {.resamples = 100}));
    expected += estimates.back().value / sets;
  }
  int held = 0;
  for (const Estimate& estimate : estimates) {
    held += estimate.low <= expected && expected <= estimate.high ? 1 : 0;
  }
  // Nominally 95; the bootstrap of so few samples is known to cover somewhat less.
  EXPECT_GE(held, 80);
}

}  // namespace
}  // namespace kvscope
