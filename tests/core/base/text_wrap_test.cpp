#include "core/base/text_wrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvscope {
namespace {

using ::testing::ElementsAre;

TEST(WrappedLines, BreakAtSpacesAndCountCharacters) {
  EXPECT_THAT(wrapped_lines("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped_lines("θθθ θθθ", 7), ElementsAre("θθθ θθθ"));
  EXPECT_THAT(wrapped_lines("", 7), ElementsAre(""));
}

TEST(WrappedLines, KeepANumberWithItsPercentSign) {
  EXPECT_THAT(wrapped_lines("vanilla is 37.6 % less", 15),
              ElementsAre("vanilla is", "37.6 % less"));
}

// A path that is cut cannot be copied.
TEST(WrappedLines, LeaveALongWordWhole) {
  EXPECT_THAT(wrapped_lines("see runs/vanilla.h5 first", 6),
              ElementsAre("see", "runs/vanilla.h5", "first"));
}

TEST(WrapText, GoesOnWhereTheTextOfALineBegins) {
  EXPECT_EQ(wrap_text("one two three\nfour\n", 7), "one two\nthree\nfour\n");
  EXPECT_EQ(wrap_text("  one two three", 9), "  one two\n  three\n");
  EXPECT_EQ(wrap_text("run   one two three", 14), "run   one two\n      three\n");
  EXPECT_EQ(wrap_text("a\n\nb", 7), "a\n\nb\n");
  EXPECT_EQ(wrap_text("", 7), "");
}

TEST(WrapBeside, PutsTheTextBelowNamesThatAreWider) {
  EXPECT_EQ(wrap_beside("  --all", "one two three", 4, 8, 16),
            "  --all one two\n"
            "        three\n");
  EXPECT_EQ(wrap_beside("  --long Excludes: --all", "one two", 4, 8, 18),
            "  --long Excludes:\n"
            "    --all\n"
            "        one two\n");
  EXPECT_EQ(wrap_beside("  --all", "", 4, 8, 16), "  --all\n");
}

}  // namespace
}  // namespace kvscope
