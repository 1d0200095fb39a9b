#include "core/budget/head_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

TEST(HeadSet, OfEveryHeadIsAll) {
  EXPECT_EQ(HeadSet({0, 1, 2}, 3), HeadSet::all(3));
  EXPECT_TRUE(HeadSet({0}, 1).is_all());
  EXPECT_EQ(HeadSet::all(3).size(), 3);
  EXPECT_THAT(HeadSet::all(3).indices(), ElementsAre(0, 1, 2));
  EXPECT_THAT(HeadSet::all(3).runs(), ElementsAre(HeadRun{0, 3}));
}

TEST(HeadSet, NeedNotBeARange) {
  const HeadSet set({0, 2, 3, 6}, 8);
  EXPECT_FALSE(set.is_all());
  EXPECT_EQ(set.size(), 4);
  EXPECT_THAT(set.indices(), ElementsAre(0, 2, 3, 6));
  EXPECT_THAT(set.runs(), ElementsAre(HeadRun{0, 1}, HeadRun{2, 2}, HeadRun{6, 1}));
}

TEST(HeadSet, RefusesWhatIsNoSet) {
  EXPECT_THROW((void)HeadSet({}, 4), Error);
  EXPECT_THROW((void)HeadSet({1, 1}, 4), Error);
  EXPECT_THROW((void)HeadSet({2, 1}, 4), Error);
  EXPECT_THROW((void)HeadSet({-1, 1}, 4), Error);
  EXPECT_THROW((void)HeadSet({3, 4}, 4), Error);
  EXPECT_THROW((void)HeadSet::all(0), Error);
}

}  // namespace
}  // namespace kvscope
