#include "cli/common/suggest.h"

#include <gtest/gtest.h>

namespace kvscope::cli {
namespace {

const std::vector<std::string> commands = {"capture", "analyze", "plan", "run", "compare"};

TEST(Nearest, FindsTheCommandThatWasMeant) {
  EXPECT_EQ(nearest("captrue", commands), "capture");
  EXPECT_EQ(nearest("analyse", commands), "analyze");
  EXPECT_EQ(nearest("pln", commands), "plan");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("frobnicate", commands), "");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace kvscope::cli
