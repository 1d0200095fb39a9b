#include "analysis/layers/layer_classes.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr LayerClass demanding = LayerClass::demanding;
constexpr LayerClass efficient = LayerClass::efficient;

TEST(LayerClasses, BelowThetaIsDemandingAndThetaItselfIsNot) {
  const std::vector<double> statistic = {0.2, 0.5, 0.1};
  EXPECT_THAT(classify(statistic, BelowTheta{0.2}), ElementsAre(efficient, efficient, demanding));
  // neg_l2 grows with similarity as cosine does, so the same side is demanding.
  const std::vector<double> neg_l2 = {-9, -1, -4};
  EXPECT_THAT(classify(neg_l2, BelowTheta{-3}), ElementsAre(demanding, efficient, demanding));
}

TEST(LayerClasses, TheWidestGapSplitsTheSortedStatistics) {
  const std::vector<double> statistic = {0.9, 0.1, 0.8, 0.2, 0.85};
  EXPECT_THAT(classify(statistic, WidestGap{}),
              ElementsAre(efficient, demanding, efficient, demanding, efficient));
  EXPECT_NEAR(*theta_of(statistic, WidestGap{}), 0.5, 1e-15);
}

TEST(LayerClasses, OfEqualGapsTheLowestCounts) {
  const std::vector<double> statistic = {0, 1, 2};
  EXPECT_EQ(*theta_of(statistic, WidestGap{}), 0.5);
}

TEST(LayerClasses, WithoutAGapNothingIsDemanding) {
  const std::vector<double> statistic = {0.5, 0.5, 0.5};
  EXPECT_THAT(classify(statistic, WidestGap{}), Each(efficient));
}

TEST(LayerClasses, TiesOfTheMostDemandingGoToTheLowerIndex) {
  const std::vector<double> statistic = {0.5, 0.3, 0.5, 0.3, 0.5};
  EXPECT_THAT(classify(statistic, MostDemanding{3}),
              ElementsAre(demanding, demanding, efficient, demanding, efficient));
  EXPECT_FALSE(theta_of(statistic, MostDemanding{3}).has_value());
  EXPECT_EQ(*theta_of(statistic, MostDemanding{2}), 0.4);
  EXPECT_THROW((void)classify(statistic, MostDemanding{6}), UsageError);
  EXPECT_THROW((void)classify(statistic, MostDemanding{-1}), UsageError);
}

TEST(LayerClasses, ThetaOfACountGivesTheSameClassesBack) {
  const double next = std::nextafter(0.3, 1.0);
  const std::vector<double> statistic = {next, 0.3, 0.1, 0.7};  // neighbours one rounding apart
  for (int count = 0; count < 4; ++count) {
    const std::optional<double> theta = theta_of(statistic, MostDemanding{count});
    ASSERT_TRUE(theta.has_value()) << count;
    EXPECT_EQ(classify(statistic, BelowTheta{*theta}), classify(statistic, MostDemanding{count}));
  }
  EXPECT_FALSE(theta_of(statistic, MostDemanding{4}).has_value());
}

LayerStatisticValues with_resamples(const std::vector<double>& mean,
                                    const std::vector<std::vector<double>>& resamples) {
  LayerStatisticValues statistics;
  statistics.samples = 2;
  statistics.mean = mean;
  statistics.resampled_means = NdArray<double>(
      {static_cast<std::int64_t>(resamples.size()), static_cast<std::int64_t>(mean.size())});
  statistics.resampled_means.data.clear();
  for (const std::vector<double>& row : resamples) {
    statistics.resampled_means.data.insert(statistics.resampled_means.data.end(), row.begin(),
                                           row.end());
  }
  return statistics;
}

TEST(LayerClasses, StabilityIsTheShareOfResamplesThatAgree) {
  const LayerStatisticValues statistics = with_resamples(
      {0.1, 0.4, 0.9}, {{0.1, 0.4, 0.9}, {0.1, 0.6, 0.9}, {0.5, 0.2, 0.9}, {0.1, 0.45, 0.9}});
  EXPECT_THAT(class_stability(statistics, BelowTheta{0.5}), ElementsAre(0.75, 0.75, 1));
  EXPECT_THAT(class_stability(statistics, MostDemanding{1}), ElementsAre(0.75, 0.75, 1));
  // The gap moves: in the second resample it lies between layers 0 and 1.
  EXPECT_THAT(class_stability(statistics, WidestGap{}), ElementsAre(1, 0.75, 1));
}

TEST(LayerClasses, StabilityIsUnknownWithoutResamples) {
  LayerStatisticValues statistics;
  statistics.samples = 1;
  statistics.mean = {0.1, 0.9};
  const std::vector<double> stability = class_stability(statistics, WidestGap{});
  ASSERT_EQ(stability.size(), 2U);
  EXPECT_TRUE(std::isnan(stability[0]) && std::isnan(stability[1]));
}

}  // namespace
}  // namespace kvscope
