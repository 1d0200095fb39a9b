#include "core/geometry/scale_schedule.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

TEST(ScaleSchedule, CountsTheTokensOfThePublishedModels) {
  const ScaleSchedule small({1, 2, 3, 4, 5, 6, 8, 10, 13, 16});
  EXPECT_EQ(small.scales(), 10);
  EXPECT_EQ(small.total_tokens(), 680);
  EXPECT_EQ(small.begin(small.last_scale()), 424);
  const ScaleSchedule large({1, 2, 3, 4, 6, 9, 13, 18, 24, 32});
  EXPECT_EQ(large.total_tokens(), 2240);
  EXPECT_EQ(large.begin(large.last_scale()), 1216);
}

TEST(ScaleSchedule, LaysScalesOneBehindTheOther) {
  const ScaleSchedule schedule({1, 2, 4});
  EXPECT_EQ(schedule.begin(2), 5);
  EXPECT_EQ(schedule.end(2), 21);
  EXPECT_EQ(schedule.tokens(2), 16);
  EXPECT_EQ(schedule.tokens_by_scale(), (std::vector<std::int64_t>{1, 4, 16}));
}

TEST(ScaleSchedule, RefusesWhatIsNoSchedule) {
  EXPECT_THROW(ScaleSchedule({}), Error);
  EXPECT_THROW(ScaleSchedule({4}), Error);
  EXPECT_THROW(ScaleSchedule({0, 1}), Error);
  EXPECT_THROW(ScaleSchedule({2, 1}), Error);
  EXPECT_THROW(ScaleSchedule({1, 1 << 20}), Error);
}

}  // namespace
}  // namespace kvscope
