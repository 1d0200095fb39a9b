#include <fmt/ranges.h>

#include "cli/engine/commands.h"
#include "core/geometry/model_config.h"
#include "tests/cli/every_option.h"

namespace kvscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

TEST(OptionsOfTheEngine, TakeDecimalNumbersOnlyAndNothingEmpty) {
  std::vector<std::string> numbers;
  for (const Command& command : engine_commands()) {
    for (std::string& name : expect_strict_options(command)) numbers.push_back(std::move(name));
  }
  EXPECT_THAT(numbers,
              IsSupersetOf({"--random-weights", "--labels", "--samples", "--first-sample",
                            "--batch", "--seed", "--cfg", "--top-k", "--top-p", "--threads",
                            "--warmup", "--repeat", "--keep-layers", "--keep-heads",
                            "--keep-scales", "--keep-samples", "--ratios"}));
}

// A size that the help leaves out is one that nobody finds.
TEST(OptionsOfTheEngine, NameEverySizeOfAModel) {
  EXPECT_THAT(help_of(run_command(), "--model"),
              HasSubstr(fmt::format("{}", fmt::join(model_config_names(), ", "))));
}

TEST(OptionsOfTheEngine, NameTheirRange) {
  const auto of_run = [](const char* option, const char* value) {
    return refusal_of(run_command(), {option, value});
  };
  EXPECT_THAT(of_run("--cfg", "1e308"), HasSubstr("--cfg: expected a number from 0 to 1000, got"));
  EXPECT_THAT(of_run("--top-p", "nan"), HasSubstr("--top-p: expected a number from 0 to 1, got"));
  EXPECT_THAT(of_run("--seed", "18446744073709551616"),
              HasSubstr("--seed: expected a whole number from 0 to 2^64 − 1, got"));
  EXPECT_EQ(of_run("--seed", "18446744073709551615"), "");
}

}  // namespace
}  // namespace kvscope::cli
