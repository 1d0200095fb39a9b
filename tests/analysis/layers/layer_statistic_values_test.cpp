#include "analysis/layers/layer_statistic_values.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

NdArray<double> samples_by_layers(const std::vector<std::vector<double>>& rows) {
  NdArray<double> array(
      {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.front().size())});
  array.data.clear();
  for (const std::vector<double>& row : rows) {
    array.data.insert(array.data.end(), row.begin(), row.end());
  }
  return array;
}

TEST(LayerStatisticValues, MeanIsOverSamples) {
  const LayerStatisticValues statistics =
      layer_statistic_values(samples_by_layers({{1, 10}, {2, 20}, {6, 60}}));
  EXPECT_THAT(statistics.mean, ElementsAre(3, 30));
  EXPECT_EQ(statistics.samples, 3);
}

TEST(LayerStatisticValues, TheIntervalOfTwoSamplesSpansThem) {
  // A resample of {0, 1} has mean 0, ½ or 1 with chances ¼, ½, ¼: the 95 % interval is [0, 1] and
  // the 40 % interval the point ½.
  const NdArray<double> per_sample = samples_by_layers({{0, 5}, {1, 5}});
  const LayerStatisticValues wide = layer_statistic_values(per_sample);
  EXPECT_EQ(wide.low[0], 0);
  EXPECT_EQ(wide.high[0], 1);
  EXPECT_EQ(wide.low[1], 5);
  EXPECT_EQ(wide.high[1], 5);
  const LayerStatisticValues narrow = layer_statistic_values(per_sample, {.confidence = 0.4});
  EXPECT_EQ(narrow.low[0], 0.5);
  EXPECT_EQ(narrow.high[0], 0.5);
}

TEST(LayerStatisticValues, TheIntervalNarrowsAsTheStandardErrorDoes) {
  // Uniform values: the interval of the mean is close to ±1.96·σ/√n with σ = 1/√12. 10 % covers the
  // noise of 1000 resamples at these fixed seeds.
  NdArray<double> per_sample({400, 1});
  for (std::int64_t i = 0; i < 400; ++i) per_sample(i, 0) = (static_cast<double>(i) + 0.5) / 400;
  const LayerStatisticValues statistics = layer_statistic_values(per_sample);
  const double half = 1.96 / std::sqrt(12.0) / std::sqrt(400.0);
  EXPECT_NEAR(statistics.high[0] - statistics.low[0], 2 * half, 0.2 * half);
  EXPECT_NEAR((statistics.high[0] + statistics.low[0]) / 2, 0.5, 0.1 * half);
}

TEST(LayerStatisticValues, SameSeedSameResamplesOtherSeedOthers) {
  const NdArray<double> per_sample = samples_by_layers({{1, 2}, {3, 5}, {4, 4}, {9, 0}});
  EXPECT_EQ(layer_statistic_values(per_sample).resampled_means,
            layer_statistic_values(per_sample).resampled_means);
  EXPECT_NE(layer_statistic_values(per_sample, {.seed = 1}).resampled_means,
            layer_statistic_values(per_sample).resampled_means);
}

TEST(LayerStatisticValues, LayersOfAResampleShareItsSamples) {
  // Layer 1 is layer 0 plus one in every sample, so it must be in every resample too.
  const LayerStatisticValues statistics =
      layer_statistic_values(samples_by_layers({{0, 1}, {4, 5}, {8, 9}, {2, 3}}));
  for (std::int64_t resample = 0; resample < 1000; ++resample) {
    ASSERT_EQ(statistics.resampled_means(resample, 1), statistics.resampled_means(resample, 0) + 1);
  }
}

TEST(LayerStatisticValues, OneSampleHasNoInterval) {
  const LayerStatisticValues statistics = layer_statistic_values(samples_by_layers({{1, 2}}));
  EXPECT_THAT(statistics.mean, ElementsAre(1, 2));
  EXPECT_TRUE(std::isnan(statistics.low[0]));
  EXPECT_TRUE(std::isnan(statistics.high[1]));
}

std::string error_of(const NdArray<double>& per_sample) {
  try {
    (void)layer_statistic_values(per_sample, {}, "a cause");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(LayerStatisticValues, NamesTheLayerWithABrokenValue) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(error_of(samples_by_layers({{1, 2, 3}, {1, 2, nan}})),
              HasSubstr("layer 2: expected a finite statistic, got nan in sample 1: a cause"));
  EXPECT_THAT(error_of(samples_by_layers({{1, -inf, 3}})), HasSubstr("layer 1"));
  EXPECT_THAT(error_of({}), HasSubstr("at least one sample"));
}

TEST(LayerStatisticValues, ABatchCountsByItsSamples) {
  // Three samples that sum to 6 and one of 10: the mean is 4, not that of the batch means, 6.
  const std::vector<std::int64_t> samples = {3, 1};
  const LayerStatisticValues statistics =
      layer_statistic_values(samples_by_layers({{6, 3}, {10, 1}}), samples, {});
  EXPECT_THAT(statistics.mean, ElementsAre(4, 1));
  EXPECT_EQ(statistics.samples, 4);
  EXPECT_EQ(statistics.batches, 2);
  // Both draws are one of two batches: the interval spans their means.
  EXPECT_EQ(statistics.low[0], 2);
  EXPECT_EQ(statistics.high[0], 10);
}

TEST(LayerStatisticValues, OneBatchHasNoInterval) {
  const std::vector<std::int64_t> samples = {8};
  EXPECT_TRUE(std::isnan(layer_statistic_values(samples_by_layers({{1}}), samples, {}).low[0]));
}

}  // namespace
}  // namespace kvscope
