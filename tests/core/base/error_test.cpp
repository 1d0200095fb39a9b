#include "core/base/error.h"

#include <gtest/gtest.h>

namespace kvscope {
namespace {

// Scripts tell causes apart by these.
TEST(ExitCode, IsTheDocumentedOne) {
  EXPECT_EQ(exit_code(ErrorKind::failure), 1);
  EXPECT_EQ(exit_code(ErrorKind::usage), 2);
  EXPECT_EQ(exit_code(ErrorKind::bad_input), 3);
  EXPECT_EQ(exit_code(ErrorKind::out_of_memory), 4);
  EXPECT_EQ(exit_code(ErrorKind::data_lost), 5);
  EXPECT_EQ(exit_code(ErrorKind::interrupted), 130);
}

TEST(BadInput, SaysWhereWhatWasExpectedAndWhatCame) {
  const BadInput error("budget", "b.json", "a list", "3");
  EXPECT_STREQ(error.what(), "[budget] b.json: expected a list, got 3");
  EXPECT_EQ(error.kind(), ErrorKind::bad_input);
}

// A key out of a damaged file must not draw on the terminal or forge a second message.
TEST(Error, KeepsItsMessageOnOneLine) {
  EXPECT_STREQ(Error("key 'a\nb\x1b[31m'").what(), "key 'a?b?[31m'");
}

}  // namespace
}  // namespace kvscope
