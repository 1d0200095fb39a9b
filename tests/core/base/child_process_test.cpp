#include "core/base/child_process.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto patience = 30s;  // no case but the last one waits

ChildResult run_shell(const std::string& line, std::chrono::milliseconds limit = patience) {
  return run_child({"/bin/sh", "-c", line}, limit);
}

TEST(ChildProcess, TakesArgumentsAsTheyAre) {
  const ChildResult result = run_child({"/bin/echo", "it's $(here)", "a b"}, patience);
  EXPECT_EQ(result.problem, "");
  EXPECT_EQ(result.output, "it's $(here) a b\n");
}

// More than a pipe holds of each: neither may wait for the other to be read.
TEST(ChildProcess, ReadsMuchOfBothOutputs) {
  const ChildResult result =
      run_shell("yes | head -c 300000 >&2; yes | head -c 300000; echo end >&2; exit 3");
  EXPECT_EQ(result.output.size(), 300000U);
  EXPECT_EQ(result.problem, "exit code 3: end");
}

TEST(ChildProcess, SaysWhatEndedAProgram) {
  EXPECT_EQ(run_shell("exit 4").problem, "exit code 4");
  EXPECT_EQ(run_shell("echo no libtorch.so >&2; exit 127").problem,
            "exit code 127: no libtorch.so");
  EXPECT_THAT(run_shell("kill -SEGV $$").problem, StartsWith("ended by a signal (Segmentation"));
}

TEST(ChildProcess, SaysWhyAProgramDoesNotStart) {
  const testing::TempDir folder;
  const std::string path = folder / "program";
  EXPECT_THAT(run_child({path}, patience).problem, HasSubstr("No such file"));
  std::ofstream(path) << "no program";
  EXPECT_THAT(run_child({path}, patience).problem, HasSubstr("Permission denied"));
}

TEST(ChildProcess, DoesNotWaitForEver) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(run_shell("exec sleep 600", 200ms).problem, "no answer in 0.2 s");
  EXPECT_LT(std::chrono::steady_clock::now() - start, patience);
}

}  // namespace
}  // namespace kvscope
