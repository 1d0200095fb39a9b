// What a user would lose: the machine's memory, to a number of threads with a digit too many.

#include "cli/common/thread_option.h"

#include <string>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace kvscope::cli {
namespace {

int threads_of(const std::string& given) {
  CLI::App app;
  int threads = 0;
  add_threads_option(app, threads);
  app.parse("--threads=" + given);
  return threads;
}

TEST(ThreadsOption, TakesAllProcessorsByDefaultAndRefusesTooMany) {
  CLI::App app;
  int threads = 0;
  add_threads_option(app, threads);
  app.parse("");
  EXPECT_EQ(threads, 0);
  EXPECT_EQ(threads_of("2"), 2);
  EXPECT_THROW((void)threads_of("1000000"), UsageError);
  EXPECT_THROW((void)threads_of("-1"), UsageError);
}

}  // namespace
}  // namespace kvscope::cli
