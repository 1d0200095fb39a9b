// What a user would lose: an accuracy that looks more certain than its samples allow.

#include "analysis/quality/class_accuracy.h"

#include <cmath>

#include <gmock/gmock.h>

namespace kvscope {
namespace {

TEST(ClassAccuracy, IsTheShareOfRecognisedSamples) {
  const Estimate accuracy = class_accuracy({0, 1, 2, 3}, {0, 1, 2, 0}, 0.95);
  EXPECT_EQ(accuracy.value, 0.75);
  EXPECT_LT(accuracy.low, 0.75);
  EXPECT_GT(accuracy.high, 0.75);
}

TEST(ClassAccuracy, TheIntervalIsTheNormalOneForManySamples) {
  std::vector<std::int32_t> predicted(900, 0);
  std::fill_n(predicted.begin(), 180, 1);
  const Estimate accuracy = class_accuracy(std::vector<std::int32_t>(900, 0), predicted, 0.95);
  EXPECT_DOUBLE_EQ(accuracy.value, 0.8);
  // ±1.96·√(p·(1 − p)/n); the exact one is wider by about 1/(2n), a fiftieth of it.
  const double half = 1.96 * std::sqrt(0.8 * 0.2 / 900);
  EXPECT_NEAR(accuracy.low, 0.8 - half, 0.1 * half);
  EXPECT_NEAR(accuracy.high, 0.8 + half, 0.1 * half);
}

// Ten of ten do not prove 100 %: an accuracy of 0.69 gives ten of ten with a chance of 2.5 %.
TEST(ClassAccuracy, AllOrNoneRecognisedLeavesAnOpenEnd) {
  const std::vector<std::int32_t> labels(10, 2);
  const Estimate all = class_accuracy(labels, labels, 0.95);
  EXPECT_EQ(all.value, 1);
  EXPECT_EQ(all.high, 1);
  EXPECT_NEAR(std::pow(all.low, 10), 0.025, 1e-12) << "rounding only";
  const Estimate none = class_accuracy(labels, std::vector<std::int32_t>(10, 0), 0.95);
  EXPECT_EQ(none.value, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 1 - all.low, 1e-12) << "rounding only";
}

// One method for every count: 15 of 16 must not look surer than 16 of 16.
TEST(ClassAccuracy, FewerRecognisedHaveTheLowerInterval) {
  const std::vector<std::int32_t> labels(16, 2);
  std::vector<std::int32_t> predicted = labels;
  Estimate more = class_accuracy(labels, predicted, 0.95);
  for (std::int32_t& one : predicted) {
    one = 0;
    const Estimate fewer = class_accuracy(labels, predicted, 0.95);
    EXPECT_LT(fewer.low, more.low);
    EXPECT_LT(fewer.high, more.high);
    more = fewer;
  }
}

TEST(ClassAccuracy, NoSamplesHaveNone) {
  EXPECT_TRUE(std::isnan(class_accuracy({}, {}, 0.95).value));
}

}  // namespace
}  // namespace kvscope
