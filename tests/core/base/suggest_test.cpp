#include "core/base/suggest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope {
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

std::string error_of(const std::string& word) {
  try {
    check_known("--command", word, commands);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(WithSuggestion, NamesAllThatBeginWithTheWord) {
  const std::vector<std::string> known = {"cosine-key", "cosine-value", "random:SEED"};
  EXPECT_EQ(with_suggestion("no", "cosine", known),
            "no; did you mean 'cosine-key' or 'cosine-value'?");
  EXPECT_EQ(with_suggestion("no", "cosine-kay", known), "no; did you mean 'cosine-key'?");
  EXPECT_EQ(with_suggestion("no", "co", known), "no");
}

TEST(CheckKnown, ListsWhatThereIsAndSuggestsTheNearest) {
  EXPECT_EQ(error_of("plan"), "");
  EXPECT_EQ(error_of("paln"),
            "--command: expected one of capture, analyze, plan, run, compare, got 'paln'; did you "
            "mean 'plan'?");
  EXPECT_THAT(error_of("frobnicate"), ::testing::EndsWith("got 'frobnicate'"));
}

}  // namespace
}  // namespace kvscope
