// What a user would lose: a change that is called one although repeats differ as much, or a real
// one that is not.

#include "analysis/compare/spread.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

TEST(Spread, InterpolatesBetweenOrderStatistics) {
  const Spread spread = spread_of({4, 1, 3, 2});
  EXPECT_DOUBLE_EQ(spread.lower_quartile, 1.75);
  EXPECT_DOUBLE_EQ(spread.median, 2.5);
  EXPECT_DOUBLE_EQ(spread.upper_quartile, 3.25);
  EXPECT_DOUBLE_EQ(spread.interquartile_range(), 1.5);
  EXPECT_EQ(spread.count, 4);
  EXPECT_THROW((void)spread_of({}), Error);
}

TEST(SpreadRatio, IsAChangeOnlyWhereTheRangesLieApart) {
  const Spread before{10, 9, 11, 5};
  const auto difference = [&](const Spread& after) { return ratio_of(before, after)->difference; };
  EXPECT_EQ(difference({13, 11.1, 14, 5}), Difference::seen);
  EXPECT_EQ(difference({8, 7, 8.9, 5}), Difference::seen);
  EXPECT_EQ(difference({13, 11, 14, 5}), Difference::not_seen) << "they touch";
  EXPECT_EQ(difference({10, 5, 20, 5}), Difference::not_seen);
  EXPECT_DOUBLE_EQ(ratio_of(before, {13, 11.1, 14, 5})->value, 1.3);
}

TEST(SpreadRatio, KnowsNoRangeOfASingleMeasurement) {
  EXPECT_EQ(ratio_of({10, 10, 10, 1}, {20, 19, 21, 5})->difference, Difference::unknown);
  EXPECT_EQ(ratio_of({10, 9, 11, 5}, {20, 20, 20, 1})->difference, Difference::unknown);
  EXPECT_FALSE(ratio_of({0, 0, 0, 5}, {20, 19, 21, 5}));
}

}  // namespace
}  // namespace kvscope
