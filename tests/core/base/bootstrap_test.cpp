// What a user would lose: intervals that change from run to run, or cover something else than they
// say.

#include "core/base/bootstrap.h"

#include <numeric>

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::Lt;
using ::testing::SizeIs;

TEST(Bootstrap, DrawsTheSameSamplesForTheSameSeedOnly) {
  const std::vector<std::int64_t> drawn = resampled_samples({.seed = 3}, 5, 40);
  EXPECT_THAT(drawn, AllOf(SizeIs(40), Each(AllOf(Ge(0), Lt(40)))));
  EXPECT_EQ(drawn, resampled_samples({.seed = 3}, 5, 40));
  EXPECT_NE(drawn, resampled_samples({.seed = 4}, 5, 40));
  EXPECT_NE(drawn, resampled_samples({.seed = 3}, 6, 40));
}

TEST(Bootstrap, DrawsEverySampleEquallyOften) {
  std::vector<double> draws(4);
  for (int resample = 0; resample < 1000; ++resample) {
    for (const std::int64_t sample : resampled_samples({}, resample, 4)) {
      ++draws[static_cast<std::size_t>(sample)];
    }
  }
  // 4000 draws of one in four: a standard deviation of 27, of which four are allowed.
  for (const double count : draws) EXPECT_NEAR(count, 1000, 110);
}

TEST(Bootstrap, WithinStrataKeepsTheLabels) {
  const std::vector<std::int32_t> labels = {4, 1, 4, 4, 1, 2};
  bool moved = false;
  for (int resample = 0; resample < 20; ++resample) {
    const std::vector<std::int64_t> drawn = resampled_within({}, resample, labels);
    ASSERT_EQ(drawn.size(), labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      EXPECT_EQ(labels[static_cast<std::size_t>(drawn[i])], labels[i]);
      moved = moved || drawn[i] != static_cast<std::int64_t>(i);
    }
    EXPECT_EQ(drawn, resampled_within({}, resample, labels));
  }
  EXPECT_TRUE(moved);
}

TEST(Bootstrap, PercentilesAreThoseOfNumpy) {
  const std::vector<double> sorted = {0, 1, 2, 10};
  EXPECT_DOUBLE_EQ(percentile(sorted, 0), 0);
  EXPECT_DOUBLE_EQ(percentile(sorted, 0.5), 1.5);
  EXPECT_DOUBLE_EQ(percentile(sorted, 0.9), 7.6);
  EXPECT_DOUBLE_EQ(percentile(sorted, 1), 10);
}

TEST(Bootstrap, LeavesHalfOfTheRestOutOnEachSide) {
  std::vector<double> values(101);
  std::iota(values.rbegin(), values.rend(), 0.0);
  const Interval interval = middle_of(values, 0.9);
  EXPECT_NEAR(interval.low, 5, 1e-9) << "sums of binary fractions are off by rounding only";
  EXPECT_NEAR(interval.high, 95, 1e-9);
}

TEST(Bootstrap, RefusesWhatGivesNoInterval) {
  EXPECT_THROW(check_bootstrap({.resamples = 0}), UsageError);
  EXPECT_THROW(check_bootstrap({.confidence = 1}), UsageError);
  EXPECT_NO_THROW(check_bootstrap({}));
}

}  // namespace
}  // namespace kvscope
