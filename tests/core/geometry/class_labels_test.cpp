// What a user would lose: a label that is refused, or drawn, although the model means another.

#include "core/geometry/class_labels.h"

#include <gtest/gtest.h>

namespace kvscope {
namespace {

TEST(ClassLabels, HaveOneMoreThanThereAreClasses) {
  const ClassLabels labels(10);
  EXPECT_FALSE(labels.contains(-1));
  EXPECT_TRUE(labels.asks_for_class(0));
  EXPECT_TRUE(labels.asks_for_class(9));
  EXPECT_FALSE(labels.asks_for_class(10));
  EXPECT_TRUE(labels.contains(10)) << "no class";
  EXPECT_EQ(labels.unconditional(), 10);
  EXPECT_EQ(labels.count(), 11);
  EXPECT_FALSE(labels.contains(11));
  EXPECT_EQ(labels.range(), "classes 0 to 9 (10 is unconditional)");
}

TEST(ClassLabels, TakeTheClassesInTurn) {
  EXPECT_EQ(ClassLabels(3).in_turn(2), 2);
  EXPECT_EQ(ClassLabels(3).in_turn(3), 0);
}

}  // namespace
}  // namespace kvscope
