#include "core/base/terminal.h"

#include <gtest/gtest.h>

namespace kvscope {
namespace {

TEST(CutToColumns, LeavesWhatFits) {
  EXPECT_EQ(cut_to_columns("capture: 3/40", 13), "capture: 3/40");
  EXPECT_EQ(cut_to_columns("θ = 0.6", 7), "θ = 0.6") << "characters count, not bytes";
}

TEST(CutToColumns, EndsWithAnEllipsisInTheLastColumn) {
  EXPECT_EQ(cut_to_columns("capture: 3/40", 12), "capture: 3/…");
  EXPECT_EQ(cut_to_columns("θθθθ", 3), "θθ…");
  EXPECT_EQ(cut_to_columns("text", 1), "…");
  EXPECT_EQ(cut_to_columns("text", 0), "");
  EXPECT_EQ(cut_to_columns("text", -1), "");
}

}  // namespace
}  // namespace kvscope
