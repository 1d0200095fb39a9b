// What a user would lose: figures of distributions that were never the model's.

#include "analysis/quality/forced_sums.h"

#include <cmath>
#include <limits>

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

const ScaleSchedule schedule({1, 2});

/// [samples, tokens, 2] logits of distributions over two codes, from the probability of code 0.
at::Tensor logits_of(const std::vector<std::vector<double>>& samples) {
  std::vector<double> values;
  for (const auto& tokens : samples) {
    for (const double probability : tokens) {
      values.push_back(std::log(probability));
      values.push_back(std::log(1 - probability));
    }
  }
  const auto count = static_cast<std::int64_t>(samples.size());
  return at::tensor(values, at::kFloat).view({count, -1, 2});
}

at::Tensor tokens_of(const std::vector<std::int64_t>& tokens, std::int64_t samples) {
  return at::tensor(tokens, at::kLong).view({samples, -1});
}

double kl(double p, double q) {
  return p * std::log(p / q) + (1 - p) * std::log((1 - p) / (1 - q));
}

// Logits are rounded to float32, of order 1.
constexpr double tolerance = 1e-6;

TEST(ForcedSums, FiguresAreThoseOfTheDistributions) {
  ForcedSums sums(schedule);
  // Code 0 is drawn at scale 0 and at the first token of scale 1, code 1 elsewhere.
  sums.add(0, logits_of({{0.9}}), logits_of({{0.6}}), tokens_of({0}, 1));
  sums.add(1, logits_of({{0.7, 0.2, 0.5, 0.8}}), logits_of({{0.7, 0.6, 0.5, 0.3}}),
           tokens_of({0, 1, 1, 1}, 1));
  ForcedAgreement agreement;
  sums.fill(agreement, {});
  EXPECT_EQ(agreement.samples, 1);
  ASSERT_EQ(agreement.scales.size(), 2);
  const ForcedFigures& first = agreement.scales[0];
  EXPECT_NEAR(first.kl_nats.value, kl(0.9, 0.6), tolerance);
  EXPECT_NEAR(first.nll_nats.value, -std::log(0.6), tolerance);
  EXPECT_NEAR(first.nll_rise_nats.value, -std::log(0.6) + std::log(0.9), tolerance);
  EXPECT_EQ(first.top1_agreement.value, 1);
  const ForcedFigures& second = agreement.scales[1];
  EXPECT_NEAR(second.kl_nats.value, (kl(0.2, 0.6) + kl(0.8, 0.3)) / 4, tolerance);
  EXPECT_EQ(second.top1_agreement.value, 0.5);
  // All tokens count alike: one of scale 0, four of scale 1.
  EXPECT_NEAR(agreement.overall.kl_nats.value, (first.kl_nats.value + 4 * second.kl_nats.value) / 5,
              tolerance);
  EXPECT_DOUBLE_EQ(agreement.overall.top1_agreement.value, 3.0 / 5);
  EXPECT_TRUE(std::isnan(agreement.overall.kl_nats.low)) << "one sample has no spread";
}

TEST(ForcedSums, EqualLogitsDivergeByNothing) {
  ForcedSums sums(schedule);
  const at::Tensor logits = logits_of({{0.3}, {0.9}});
  sums.add(0, logits, logits, tokens_of({0, 1}, 2));
  const at::Tensor more = logits_of({{0.3, 0.1, 0.4, 0.9}, {0.9, 0.6, 0.2, 0.7}});
  sums.add(1, more, more, tokens_of({0, 1, 0, 1, 0, 1, 0, 1}, 2));
  ForcedAgreement agreement;
  sums.fill(agreement, {});
  EXPECT_EQ(agreement.overall.kl_nats.value, 0);
  EXPECT_EQ(agreement.overall.nll_rise_nats.value, 0);
  EXPECT_EQ(agreement.overall.top1_agreement.value, 1);
  EXPECT_EQ(agreement.overall.top1_agreement.low, 1);
}

TEST(ForcedSums, IntervalsAreOverSamples) {
  ForcedSums sums(schedule);
  const at::Tensor equal = logits_of({{0.5, 0.5, 0.5, 0.5}, {0.5, 0.5, 0.5, 0.5}});
  // Half of the samples diverge, and then always by the same amount.
  for (int batch = 0; batch < 50; ++batch) {
    sums.add(0, logits_of({{0.9}, {0.9}}), logits_of({{0.9}, {0.5}}), tokens_of({0, 0}, 2));
    sums.add(1, equal, equal, tokens_of({0, 0, 0, 0, 0, 0, 0, 0}, 2));
  }
  ForcedAgreement agreement;
  sums.fill(agreement, {});
  EXPECT_EQ(agreement.samples, 100);
  const double divergence = kl(0.9, 0.5);
  const Estimate& found = agreement.scales[0].kl_nats;
  EXPECT_NEAR(found.value, divergence / 2, tolerance);
  // ±1.96·σ/√n with σ half the divergence; the noise of 1000 resamples is below a fifth of it.
  const double half = 1.96 * divergence / 2 / 10;
  EXPECT_NEAR(found.low, divergence / 2 - half, 0.2 * half);
  EXPECT_NEAR(found.high, divergence / 2 + half, 0.2 * half);
}

TEST(ForcedSums, LogitsThatAreNotFiniteAreRefused) {
  ForcedSums sums(schedule);
  at::Tensor broken = logits_of({{0.5}});
  broken[0][0][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(sums.add(0, logits_of({{0.5}}), broken, tokens_of({0}, 1)), Error);
}

}  // namespace
}  // namespace kvscope
