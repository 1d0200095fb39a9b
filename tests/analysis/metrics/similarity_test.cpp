#include "analysis/metrics/similarity.h"

#include <cmath>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

namespace kvscope {
namespace {

struct Pair {
  double cosine;
  double neg_l2;
};

/// The definition, word by word, in ATen: `rows` [token, channel].
Pair naive(const at::Tensor& rows, const ScaleSchedule& schedule, int target, int source) {
  const int from = schedule.side(source);
  const int to = schedule.side(target);
  const auto of = [&](int scale) {
    return rows.narrow(0, schedule.begin(scale), schedule.tokens(scale));
  };
  const at::Tensor map = of(source).t().reshape({1, rows.size(1), from, from});
  const at::Tensor resized =
      at::upsample_bilinear2d(map, {to, to}, false).reshape({rows.size(1), -1}).t();
  const auto mean = [](const at::Tensor& tokens) {
    return tokens.to(at::kDouble).mean().item<double>();
  };
  return {mean(at::cosine_similarity(resized, of(target), 1, 1e-8)),
          -mean(at::linalg_vector_norm(resized - of(target), 2, {1}))};
}

class SimilarityOfWidth : public ::testing::TestWithParam<int> {};

// A user would read wrong similarities: every later choice of layers rests on them.
TEST_P(SimilarityOfWidth, IsTheDefinitionInAten) {
  const ScaleSchedule schedule({1, 2, 3, 4, 6, 6, 9, 16});
  const int channels = GetParam();
  at::manual_seed(3);
  const at::Tensor rows = at::randn({schedule.total_tokens(), channels});
  const HeadSimilarity result =
      InterScaleSimilarity(schedule, channels).of_head(rows.const_data_ptr<float>());
  const int scales = schedule.scales();
  for (int target = 0; target < scales; ++target) {
    for (int source = 0; source < scales; ++source) {
      const int at = target * scales + source;
      if (source >= target) {
        EXPECT_TRUE(std::isnan(result.cosine[at]) && std::isnan(result.neg_l2[at]));
        continue;
      }
      const Pair expected = naive(rows, schedule, target, source);
      // float32 sums over channels in another order.
      EXPECT_NEAR(result.cosine[at], expected.cosine, 1e-6) << target << " ← " << source;
      EXPECT_NEAR(result.neg_l2[at], expected.neg_l2, 1e-6 * std::abs(expected.neg_l2));
    }
    const at::Tensor own = rows.narrow(0, schedule.begin(target), schedule.tokens(target));
    EXPECT_NEAR(result.norm[static_cast<std::size_t>(target)],
                at::linalg_vector_norm(own, 2, {1}).to(at::kDouble).mean().item<double>(), 1e-5);
  }
}

// 1 … 15 run through the tail only, 20, 24 and 100 through both, the rest are real head sizes.
INSTANTIATE_TEST_SUITE_P(Channels, SimilarityOfWidth,
                         ::testing::Values(1, 7, 15, 16, 20, 24, 32, 64, 100, 128));

TEST(Similarity, OfAZeroVectorIsZeroAndNotNan) {
  const ScaleSchedule schedule({1, 2});
  const at::Tensor rows = at::zeros({5, 32});
  const HeadSimilarity result =
      InterScaleSimilarity(schedule, 32).of_head(rows.const_data_ptr<float>());
  EXPECT_EQ(result.cosine[2], 0);
  EXPECT_EQ(result.neg_l2[2], 0);
}

// A NaN in K must show up in the figures instead of vanishing.
TEST(Similarity, CarriesNanThrough) {
  const ScaleSchedule schedule({1, 2});
  at::Tensor rows = at::randn({5, 32});
  rows.data_ptr<float>()[3] = std::nanf("");
  const HeadSimilarity result =
      InterScaleSimilarity(schedule, 32).of_head(rows.const_data_ptr<float>());
  EXPECT_TRUE(std::isnan(result.cosine[2]));
  EXPECT_TRUE(std::isnan(result.norm[0]));
  EXPECT_FALSE(std::isnan(result.norm[1]));
}

// --keep-scales: pairs of kept scales are as in a full capture, everything else is NaN.
TEST(Similarity, OfKeptScalesEqualsThatOfAll) {
  const ScaleSchedule schedule({1, 2, 3, 4});
  at::manual_seed(5);
  const at::Tensor rows = at::randn({schedule.total_tokens(), 32});
  const HeadSimilarity all =
      InterScaleSimilarity(schedule, 32).of_head(rows.const_data_ptr<float>());
  const at::Tensor kept = at::cat({rows.narrow(0, 1, 4), rows.narrow(0, 14, 16)});
  const HeadSimilarity some =
      InterScaleSimilarity(schedule, 32, {1, 3}).of_head(kept.const_data_ptr<float>());
  EXPECT_EQ(some.cosine[13], all.cosine[13]);
  EXPECT_EQ(some.norm[3], all.norm[3]);
  for (const int missing : {4, 8, 9, 12, 14})
    EXPECT_TRUE(std::isnan(some.cosine[static_cast<std::size_t>(missing)])) << missing;
  EXPECT_TRUE(std::isnan(some.norm[0]));
}

HeadSimilarity constant(double value) {
  const double nan = std::nan("");
  return {{nan, nan, value, nan}, {nan, nan, -value, nan}, {value, value}};
}

// The layer statistic decides which layers are demanding.
TEST(StoreLayer, SumsSamplesAndAveragesHeads) {
  BatchStatistics statistics = empty_similarity(2, 3, 2, 2);
  const std::vector<HeadSimilarity> results = {constant(1), constant(2), constant(10),
                                               constant(20)};
  store_layer(KvTensor::value, 1, {0, 1}, results, statistics);
  const auto& sum = statistics.similarity_sum(Metric::cosine, KvTensor::value);
  EXPECT_EQ(sum(1, 0, 1, 0), 11);
  EXPECT_EQ(sum(1, 1, 1, 0), 22);
  EXPECT_TRUE(std::isnan(sum(0, 0, 1, 0)));
  EXPECT_EQ(statistics.norm_sum[1](1, 1, 0), 22);
  const auto& layer = statistics.layer_statistic(Metric::neg_l2, KvTensor::value);
  EXPECT_EQ(layer(0, 1), -1.5);
  EXPECT_EQ(layer(1, 1), -15);
}

// A statistic over some heads would look like that of the layer.
TEST(StoreLayer, HasNoLayerStatisticOfSomeHeads) {
  BatchStatistics statistics = empty_similarity(1, 1, 2, 2);
  const std::vector<HeadSimilarity> results = {constant(4)};
  store_layer(KvTensor::key, 0, {1}, results, statistics);
  EXPECT_EQ(statistics.similarity_sum(Metric::cosine, KvTensor::key)(0, 1, 1, 0), 4);
  EXPECT_TRUE(std::isnan(statistics.layer_statistic(Metric::cosine, KvTensor::key)(0, 0)));
}

}  // namespace
}  // namespace kvscope
