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

std::vector<std::int32_t> one_label(std::size_t samples) {
  return std::vector<std::int32_t>(samples, 0);
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
  EXPECT_TRUE(std::isnan(reference.estimate(at::ones({1, 2}, at::kDouble), {0}, {}).high));
}

TEST(FrechetDistance, IntervalsRepeatAndHoldTheValue) {
  const FrechetDistance reference(at::ones({4}, at::kDouble), diagonal({1, 2, 3, 4}));
  const at::Tensor samples = normal_samples(30, 4, 3);
  const Estimate first = reference.estimate(samples, one_label(30), {.resamples = 200});
  const Estimate second = reference.estimate(samples, one_label(30), {.resamples = 200});
  EXPECT_EQ(first.value, reference.to_samples(samples));
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_LT(first.low, first.value);
  EXPECT_GT(first.high, first.value);
}

// Features of a classifier lie in a cluster for each class, here at ±3 on the first axis; the
// labels come in turn. Resamples that ignored them would give intervals several times too wide,
// percentiles of the resamples themselves ones that lie above the expected distance nearly always.
TEST(FrechetDistance, IntervalsHoldTheExpectedDistanceOfThatManySamples) {
  constexpr std::int64_t features = 4;
  constexpr std::int64_t samples = 40;
  const FrechetDistance reference(at::zeros({features}, at::kDouble), diagonal({10, 1, 1, 1}));
  std::vector<std::int32_t> labels;
  for (std::int32_t i = 0; i < samples; ++i) labels.push_back(i % 2);
  constexpr int sets = 100;
  std::vector<Estimate> estimates;
  double expected = 0;
  for (int set = 0; set < sets; ++set) {
    at::Tensor clustered = normal_samples(samples, features, static_cast<std::uint64_t>(100 + set));
    for (std::int64_t i = 0; i < samples; ++i) clustered[i][0] += i % 2 == 0 ? 3 : -3;
    estimates.push_back(reference.estimate(clustered, labels, {.resamples = 100}));
    expected += estimates.back().value / sets;
  }
  int held = 0;
  double width = 0;
  double variance = 0;
  for (const Estimate& estimate : estimates) {
    held += estimate.low <= expected && expected <= estimate.high ? 1 : 0;
    width += (estimate.high - estimate.low) / sets;
    variance += std::pow(estimate.value - expected, 2) / sets;
  }
  // Nominally 95; the bootstrap of so few samples is known to cover somewhat less.
  EXPECT_GE(held, 80);
  // ±1.96 standard deviations; the bias of a resample widens it, by less than a half.
  EXPECT_LT(width, 1.5 * 2 * 1.96 * std::sqrt(variance));
}

TEST(FrechetDistance, ALabelWithOneSampleLeavesNoInterval) {
  const FrechetDistance reference(at::zeros({2}, at::kDouble), diagonal({1, 1}));
  const Estimate estimate = reference.estimate(normal_samples(3, 2, 4), {0, 0, 1}, {});
  EXPECT_FALSE(std::isnan(estimate.value));
  EXPECT_TRUE(std::isnan(estimate.low));
  EXPECT_TRUE(std::isnan(estimate.high));
}

}  // namespace
}  // namespace kvscope
