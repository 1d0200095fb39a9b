// What a user would lose: a pasted command that runs something else.

#include "core/base/shell.h"

#include <array>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kvscope {
namespace {

/// What bash makes of the words of a command, each in brackets.
std::string words_of(const std::string& command) {
  // The command goes in as it would from the keyboard; the outer quotes are the test's.
  std::string script = "bash -c '";
  for (const char c : fmt::format("printf '[%s]' {}", command)) {
    if (c == '\'') {
      script += "'\\''";
    } else {
      script += c;
    }
  }
  script += '\'';
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(script.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  return text;
}

TEST(ShellQuoted, GivesOneWordThatIsTheName) {
  for (const char* name : {"run.h5",    "my run.h5", "$(touch pwned).h5",
                           "a|b",       "it's.h5",   "`id`",
                           "a;b&c>d<e", "\"x\"",     "\\n",
                           "*?[a]",     "~root",     "#x",
                           "!!",        "a\nb",      "tab\there",
                           "'\n'",      "\\\n7",     "ü λ.h5",
                           "{a,b}",     "a=b",       "-x.h5",
                           ""}) {
    EXPECT_EQ(words_of(shell_quoted(name)), fmt::format("[{}]", name));
  }
}

TEST(ShellQuoted, LeavesPlainNamesAlone) {
  EXPECT_EQ(shell_quoted("out/base-1_a.analysis.h5"), "out/base-1_a.analysis.h5");
  EXPECT_EQ(shell_quoted("my run.h5"), "'my run.h5'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
}

// In a comment of a script, a name on two lines would end the comment.
TEST(ShellQuoted, StaysOnOneLine) { EXPECT_EQ(shell_quoted("a\nrm -r b"), "$'a\\012rm -r b'"); }

TEST(ShellQuotedFile, IsNoOption) {
  EXPECT_EQ(shell_quoted_file("-x.h5"), "./-x.h5");
  EXPECT_EQ(shell_quoted_file("-x y.h5"), "'./-x y.h5'");
  EXPECT_EQ(shell_quoted_file("x.h5"), "x.h5");
}

}  // namespace
}  // namespace kvscope
