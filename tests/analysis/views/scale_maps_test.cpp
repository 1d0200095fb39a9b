// What a user would lose: a heat map of the wrong head, transposed, or with values where none were
// measured.

#include "analysis/views/scale_maps.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>

namespace kvscope {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::NanSensitiveDoubleEq;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// 2 layers, 2 heads, 3 scales: 1000·layer + 100·head + 10·target + source, also where no source
/// can be read.
NdArray<double> numbered() {
  NdArray<double> values({2, 2, 3, 3});
  for (std::size_t i = 0; i < values.data.size(); ++i) {
    const auto layer = static_cast<double>(i / 18);
    const auto head = static_cast<double>(i / 9 % 2);
    const auto target = static_cast<double>(i / 3 % 3);
    values.data[i] = 1000 * layer + 100 * head + 10 * target + static_cast<double>(i % 3);
  }
  return values;
}

TEST(ScaleMaps, ShowOneHeadOrTheMeanOfAll) {
  EXPECT_THAT(scale_map(numbered(), 1, 1).data,
              ElementsAre(1100, NanSensitiveDoubleEq(nan_value), NanSensitiveDoubleEq(nan_value),
                          1110, 1111, NanSensitiveDoubleEq(nan_value), 1120, 1121, 1122));
  EXPECT_EQ(scale_map(numbered(), 1)(2, 1), 1071);
}

TEST(ScaleMaps, KeepWhatWasNotMeasuredUnknown) {
  NdArray<double> values = numbered();
  values(0, 1, 2, 1) = nan_value;
  EXPECT_TRUE(std::isnan(scale_map(values, 0)(2, 1)));
  EXPECT_EQ(scale_map(values, 0, 0)(2, 1), 21);
}

TEST(ScaleMaps, AdjacentIsEachTargetAgainstTheScaleBefore) {
  const NdArray<double> map = adjacent_map(numbered(), 0);
  EXPECT_EQ(map.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_THAT(map.data, ElementsAre(NanSensitiveDoubleEq(nan_value), 10, 21,
                                    NanSensitiveDoubleEq(nan_value), 1010, 1021));
  EXPECT_EQ(adjacent_map(numbered())(1, 2), 1071);
}

// Source 0 is read by targets 1 and 2, source 1 by target 2 alone.
TEST(ScaleMaps, ReceivedIsTheMeanOverLaterTargets) {
  NdArray<double> shares({1, 2, 3, 3});
  shares(0, 0, 1, 0) = 0.5;
  shares(0, 0, 2, 0) = 0.25;
  shares(0, 0, 2, 1) = 0.5;
  shares(0, 1, 2, 1) = 1;
  EXPECT_THAT(received_attention(shares, 0).data,
              ElementsAre(DoubleEq(0.375), DoubleEq(0.5), NanSensitiveDoubleEq(nan_value)));
  EXPECT_THAT(received_attention(shares).data,
              ElementsAre(DoubleEq(0.1875), DoubleEq(0.75), NanSensitiveDoubleEq(nan_value)));
}

TEST(ScaleMaps, MeanOverLayersIsByTheSecondIndex) {
  NdArray<double> map({2, 2});
  map.data = {1, 2, 3, 6};
  EXPECT_THAT(mean_over_layers(map), ElementsAre(2, 4));
}

}  // namespace
}  // namespace kvscope
