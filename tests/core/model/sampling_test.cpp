#include "core/model/sampling.h"

#include <cmath>
#include <limits>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/multinomial.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope::testing {
namespace {

std::vector<int> kept(const at::Tensor& logits) {
  std::vector<int> codes;
  for (int code = 0; code < logits.size(-1); ++code) {
    if (std::isfinite(logits.view({-1})[code].item<float>())) codes.push_back(code);
  }
  return codes;
}

std::vector<int> kept_of(const std::vector<float>& values, int top_k, double top_p) {
  at::Tensor logits = at::tensor(values).view({1, 1, -1});
  truncate_logits(logits, top_k, top_p);
  return kept(logits);
}

TEST(TruncateLogits, TiesWithTheLastOfTopKStay) {
  EXPECT_EQ(kept_of({1, 3, 2, 2, 0}, 2, 0), (std::vector<int>{1, 2, 3}));
}

TEST(TruncateLogits, TopKBeyondTheVocabularyKeepsAll) {
  EXPECT_EQ(kept_of({1, 3, 2}, 900, 0), (std::vector<int>{0, 1, 2}));
}

TEST(TruncateLogits, TopPKeepsTheLargestWhateverItIs) {
  const float p1 = std::log(0.1F);
  const float p3 = std::log(0.3F);
  const float p6 = std::log(0.6F);
  EXPECT_EQ(kept_of({p1, p6, p3}, 0, 0.95), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(kept_of({p1, p6, p3}, 0, 0.85), (std::vector<int>{1, 2}));
  EXPECT_EQ(kept_of({p1, p6, p3}, 0, 0.5), (std::vector<int>{1}));
  EXPECT_EQ(kept_of({p1, p6, p3}, 0, 1e-9), (std::vector<int>{1}));
}

// The published formula, written out on whole tensors.
at::Tensor truncated_by_formula(const at::Tensor& all, int top_k, double top_p) {
  const at::Tensor largest = std::get<0>(all.topk(top_k));
  const at::Tensor logits = all.masked_fill(all < largest.amin(-1, true), -INFINITY);
  const auto [ascending, order] = logits.sort(-1, false);
  at::Tensor remove = ascending.softmax(-1).cumsum(-1) <= 1 - top_p;
  remove.narrow(-1, remove.size(-1) - 1, 1).fill_(false);
  return logits.masked_fill(remove.clone().scatter_(-1, order, remove), -INFINITY);
}

// Lost without it: the fast path of the CPU would draw from other codes than the published code.
TEST(TruncateLogits, AgreesWithThePublishedFormula) {
  for (const double top_p : {0.3, 0.9, 0.96}) {
    const at::Tensor logits = at::randn({2, 40, 256}) * 3;
    at::Tensor truncated = logits.clone();
    truncate_logits(truncated, 100, top_p);
    EXPECT_TRUE(at::equal(truncated, truncated_by_formula(logits, 100, top_p))) << top_p;
    // Among equal values the published sort picks arbitrarily: the values that stay are compared.
    const at::Tensor tied = (logits * 4).round() / 4;
    truncated = tied.clone();
    truncate_logits(truncated, 100, top_p);
    const at::Tensor expected = truncated_by_formula(tied, 100, top_p);
    EXPECT_TRUE(at::equal(std::get<0>(truncated.sort()), std::get<0>(expected.sort()))) << top_p;
  }
}

TEST(TruncateLogits, ZeroSwitchesBothOff) {
  EXPECT_EQ(kept_of({1, 3, 2}, 0, 0), (std::vector<int>{0, 1, 2}));
}

// Lost without it: a seed would draw other images than the published code.
TEST(OfficialDraw, TakesTheTokensOfTorchsMultinomial) {
  SamplingOptions options;
  options.seed = 11;
  options.top_k = 50;
  Sampler sampler(options, at::kCPU, 0, 0);
  at::Generator generator = at::detail::createCPUGenerator(11);
  for (int scale = 0; scale < 3; ++scale) {
    at::Tensor logits = at::randn({2, 30, 200}) * 3;
    const at::Tensor drawn = sampler.draw(logits, scale);
    const at::Tensor weights = at::softmax(logits, -1).view({60, 200});
    EXPECT_TRUE(at::equal(drawn.view({60, 1}), at::multinomial(weights, 1, true, generator)));
  }
}

TEST(GuidanceStrength, GrowsFromZeroToCfg) {
  EXPECT_EQ(guidance_strength(1.5, 0, 10), 0);
  EXPECT_EQ(guidance_strength(1.5, 9, 10), 1.5);
}

// The numbers are part of the file format of a run: they must never change. Values from three
// nested splitmix64 in Python: (splitmix64³(seed; sample; scale; token) >> 11) · 2^−53.
TEST(KeyedUniform, IsFixedForEver) {
  const double first = keyed_uniform(0, 0, 0, 0);
  EXPECT_EQ(first, 0x1.1c13ade1c7e5cp-3);
  EXPECT_EQ(keyed_uniform(7, 3, 2, 11), 0x1.bc7c98e02078fp-1);
  EXPECT_EQ(keyed_uniform(7, 3, -1, 0), 0x1.08f429c1e3bb8p-3) << "the label of sample 3";
  EXPECT_NE(first, keyed_uniform(1, 0, 0, 0));
  EXPECT_NE(first, keyed_uniform(0, 1, 0, 0));
  EXPECT_NE(first, keyed_uniform(0, 0, 1, 0));
  EXPECT_NE(first, keyed_uniform(0, 0, 0, 1));
}

class PerSample : public ::testing::Test {
 protected:
  static SamplingOptions options() {
    SamplingOptions options;
    options.rng = RandomMode::per_sample;
    options.seed = 3;
    return options;
  }
};

TEST_F(PerSample, DrawsFollowTheProbabilities) {
  constexpr std::int64_t samples = 20000;
  const std::vector<double> probabilities = {0.5, 0.0, 0.3, 0.2};
  const at::Tensor row = at::tensor(probabilities).log().to(at::kFloat);
  at::Tensor logits = row.expand({samples, 1, 4}).contiguous();
  Sampler sampler(options(), at::kCPU, 0, 0);
  const at::Tensor counts = sampler.draw(logits, 0).view({-1}).bincount({}, 4);
  for (int code = 0; code < 4; ++code) {
    // Five standard deviations of a binomial share of 20000 draws.
    EXPECT_NEAR(counts[code].item<double>() / samples, probabilities[code],
                5 * std::sqrt(0.25 / samples));
  }
  EXPECT_EQ(counts[1].item<std::int64_t>(), 0);
}

TEST_F(PerSample, MaskedCodesAreNeverDrawn) {
  SamplingOptions truncated = options();
  truncated.top_k = 1;
  Sampler sampler(truncated, at::kCPU, 0, 0);
  at::Tensor logits = at::randn({50, 7, 33});
  const at::Tensor largest = logits.argmax(-1);
  EXPECT_TRUE(at::equal(sampler.draw(logits, 2), largest));
}

TEST_F(PerSample, LabelsCoverTheClasses) {
  Sampler sampler(options(), at::kCPU, 0, 0);
  const at::Tensor counts = sampler.draw_labels(3000, 3).bincount({}, 3);
  EXPECT_EQ(counts.size(0), 3);
  EXPECT_GT(counts.min().item<std::int64_t>(), 850);
}

// A broken model must end in words, not in an index out of range.
TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  for (const RandomMode mode : {RandomMode::official, RandomMode::per_sample}) {
    SamplingOptions options;
    options.rng = mode;
    Sampler sampler(options, at::kCPU, 0, 0);
    at::Tensor logits = at::full({1, 2, 8}, std::numeric_limits<float>::quiet_NaN());
    EXPECT_THROW(sampler.draw(logits, 0), Error);
  }
}

// That the noise follows the draw from the same generator is held by the parity with golden tokens.
TEST(SmoothWeights, AreASoftmaxOverTheCodesThatStayed) {
  for (const RandomMode mode : {RandomMode::official, RandomMode::per_sample}) {
    SamplingOptions options;
    options.top_k = 3;
    options.rng = mode;
    Sampler sampler(options, at::kCPU, 0, 0);
    at::Tensor logits = at::randn({2, 5, 16});
    sampler.draw(logits, 4);
    const at::Tensor weights = sampler.smooth_weights(logits, 4, 10);
    EXPECT_TRUE(at::allclose(weights.sum(-1), at::ones_like(weights.sum(-1))));
    EXPECT_EQ(((weights > 0) & logits.isinf()).sum().item<std::int64_t>(), 0);
  }
}

}  // namespace
}  // namespace kvscope::testing
