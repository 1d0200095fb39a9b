#include "analysis/layers/rank_correlation.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

TEST(RankCorrelation, SeesTheOrderOnly) {
  const std::vector<double> values = {0.1, 5, 2, 900};
  EXPECT_EQ(rank_correlation(values, std::vector<double>{1, 3, 2, 4}), 1);
  EXPECT_EQ(rank_correlation(values, std::vector<double>{-1, -3, -2, -4}), -1);
}

TEST(RankCorrelation, OfTheTextbook) {
  // 1 − 6·Σd²/(n(n²−1)) with differences of ranks 0, −2, 1, −1, 2.
  EXPECT_DOUBLE_EQ(
      rank_correlation(std::vector<double>{1, 2, 3, 4, 5}, std::vector<double>{1, 3, 2, 6, 2.5}),
      1 - 6.0 * (0 + 4 + 1 + 1 + 4) / (5 * 24));
}

TEST(RankCorrelation, EqualValuesShareTheirMeanRank) {
  // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4; scipy.stats.spearmanr gives 0.9486832980505138.
  EXPECT_NEAR(rank_correlation(std::vector<double>{0, 7, 7, 9}, std::vector<double>{1, 2, 3, 4}),
              0.9486832980505138, 1e-15);
}

TEST(RankCorrelation, IsUnknownWhenOneSideHasNoOrder) {
  const std::vector<double> same = {2, 2, 2};
  const std::vector<double> order = {1, 2, 3};
  EXPECT_TRUE(std::isnan(rank_correlation(same, order)));
  EXPECT_TRUE(std::isnan(permutation_p_value(order, same)));
  EXPECT_TRUE(std::isnan(rank_correlation(std::vector<double>{1}, std::vector<double>{1})));
  EXPECT_THROW((void)rank_correlation(same, std::vector<double>{1}), Error);
}

TEST(RankCorrelation, ThePValueIsTheShareOfOrdersAtLeastAsFar) {
  // Of the 24 orders of four values, two have |correlation| 1. 10000 draws: 5 standard deviations
  // of √(1/12·11/12/10000) ≈ 0.0028.
  const std::vector<double> four = {1, 2, 3, 4};
  EXPECT_NEAR(permutation_p_value(four, std::vector<double>{4, 3, 2, 1}), 1.0 / 12, 0.014);
  // Σ of products of centred ranks is 0: every order is at least as far.
  EXPECT_EQ(permutation_p_value(four, std::vector<double>{2, 4, 1, 3}), 1);
  EXPECT_EQ(permutation_p_value(four, four, 1000, 3), permutation_p_value(four, four, 1000, 3));
}

}  // namespace
}  // namespace kvscope
