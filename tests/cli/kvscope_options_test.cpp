#include <fmt/ranges.h>

#include "cli/kvscope/commands.h"
#include "core/geometry/model_config.h"
#include "tests/cli/every_option.h"

namespace kvscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

// A seed or a limit read as another number is a wrong result without a word.
TEST(OptionsOfKvscope, TakeDecimalNumbersOnlyAndNothingEmpty) {
  std::vector<std::string> numbers;
  for (const Command& command : kvscope_commands()) {
    for (std::string& name : expect_strict_options(command)) numbers.push_back(std::move(name));
  }
  EXPECT_THAT(numbers, IsSupersetOf({"--shuffle-seed", "--threshold", "--demanding-layers",
                                     "--ratio", "--batch", "--element-bytes"}));
}

// A size that the help leaves out is one that nobody finds.
TEST(OptionsOfKvscope, NameEverySizeOfAModel) {
  EXPECT_THAT(help_of(plan_command(), "--model"),
              HasSubstr(fmt::format("{}", fmt::join(model_config_names(), ", "))));
}

TEST(OptionsOfKvscope, NameTheirRange) {
  EXPECT_THAT(refusal_of(plan_command(), {"--ratio", "1.5"}),
              HasSubstr("--ratio: expected a number from 0 to 1, got '1.5'"));
  EXPECT_THAT(refusal_of(plan_command(), {"--batch", "0"}),
              HasSubstr("--batch: expected a whole number from 1 to 1048576, got '0'"));
  EXPECT_THAT(refusal_of(plan_command(), {"--element-bytes", "3"}), HasSubstr("--element-bytes"));
}

}  // namespace
}  // namespace kvscope::cli
