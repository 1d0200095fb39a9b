// What a user would lose: an interval that shrinks as fewer are recognised.

#include "core/base/binomial.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// The definition, from the other side: at each end the count has the chance 2.5 %.
TEST(BinomialInterval, MeetsTheTablesOfClopperAndPearson) {
  const Interval eight_of_ten = binomial_interval(8, 10, 0.95);
  EXPECT_NEAR(eight_of_ten.low, 0.4439, 5e-5) << "as printed in tables";
  EXPECT_NEAR(eight_of_ten.high, 0.9748, 5e-5);
  const Interval one_of_two = binomial_interval(1, 2, 0.95);
  // P(at least 1 of 2) = 1 − (1 − p)² = 0.025.
  EXPECT_NEAR(one_of_two.low, 1 - std::sqrt(0.975), 1e-12) << "rounding only";
  EXPECT_NEAR(one_of_two.high, std::sqrt(0.975), 1e-12);
}

// 15 of 16 had the lower end 81.2 %, 16 of 16 had 79.4 %.
TEST(BinomialInterval, GrowsWithTheCount) {
  for (const int trials : {1, 2, 7, 16, 200}) {
    for (int hits = 1; hits <= trials; ++hits) {
      const Interval fewer = binomial_interval(hits - 1, trials, 0.95);
      const Interval more = binomial_interval(hits, trials, 0.95);
      EXPECT_LT(fewer.low, more.low) << hits << " of " << trials;
      EXPECT_LT(fewer.high, more.high) << hits << " of " << trials;
    }
  }
}

TEST(BinomialInterval, HoldsTheShareAndShrinksWithTrials) {
  const Interval few = binomial_interval(9, 10, 0.95);
  const Interval many = binomial_interval(45000, 50000, 0.95);
  EXPECT_LT(few.low, many.low);
  EXPECT_LT(many.low, 0.9);
  EXPECT_GT(many.high, 0.9);
  EXPECT_LT(many.high, few.high);
  // The normal one, ±1.96·√(p·(1 − p)/n), differs by about 1/n.
  EXPECT_NEAR(many.high - many.low, 2 * 1.96 * std::sqrt(0.09 / 50000), 4e-5);
}

TEST(BinomialInterval, RefusesWhatIsNoCount) {
  EXPECT_THROW(binomial_interval(3, 2, 0.95), Error);
  EXPECT_THROW(binomial_interval(-1, 2, 0.95), Error);
  EXPECT_THROW(binomial_interval(0, 0, 0.95), Error);
  EXPECT_THROW(binomial_interval(1, 2, 1), Error);
}

}  // namespace
}  // namespace kvscope
