#include "cli/common/value_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "core/base/error.h"

namespace kvscope::cli {
namespace {

using ::testing::ElementsAre;

void parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  app.parse(std::move(arguments));
}

TEST(AddNumber, ReadsALeadingZeroAsDecimal) {
  CLI::App app;
  std::uint64_t seed = 0;
  std::optional<double> ratio;
  add_number(app, "--seed", seed, "", NumberRange<std::uint64_t>{});
  add_number(app, "--ratio", ratio, "", NumberRange{0.0, 1.0});
  parse(app, {"--seed", "010", "--ratio", "0.25"});
  EXPECT_EQ(seed, 10U);
  EXPECT_EQ(ratio, 0.25);
}

TEST(AddNumbers, ReadsEveryElement) {
  CLI::App app;
  std::vector<int> layers = {7};
  add_numbers(app, "--layers", layers, "", NumberRange<int>{.smallest = 0});
  parse(app, {"--layers", "010,2"});
  EXPECT_THAT(layers, ElementsAre(10, 2));
  EXPECT_THROW(parse(app, {"--layers", "1,-2"}), UsageError);
  EXPECT_THAT(layers, ElementsAre(10, 2));
}

TEST(AddWords, TakesNoEmptyElement) {
  CLI::App app;
  std::vector<std::string> words;
  add_words(app, "--policies", words, "");
  parse(app, {"--policies", "first,random:3"});
  EXPECT_THAT(words, ElementsAre("first", "random:3"));
  for (const char* text : {"first,", ",first", "first,,last", ","}) {
    EXPECT_THROW(parse(app, {"--policies", text}), UsageError) << text;
  }
}

TEST(RefuseLaxOptions, LetsNoNumberOrListOfCli11Pass) {
  const auto declares = [](const auto& declare) {
    CLI::App app;
    declare(app);
    refuse_lax_options(app);
  };
  int number = 0;
  std::optional<double> real;
  std::vector<std::string> words;
  EXPECT_THROW(declares([&](CLI::App& app) { app.add_option("--n", number); }), std::logic_error);
  EXPECT_THROW(declares([&](CLI::App& app) { app.add_option("--r", real); }), std::logic_error);
  EXPECT_THROW(declares([&](CLI::App& app) { app.add_option("--w", words)->delimiter(','); }),
               std::logic_error);
  EXPECT_THROW(declares([&](CLI::App& app) {
                 app.add_option_group("group")->add_option("--n", number)->check(CLI::Range(0, 9));
               }),
               std::logic_error);
  EXPECT_NO_THROW(declares([&](CLI::App& app) { app.add_option("--w", words); }));
}

TEST(RefuseLaxOptions, MakesEveryOptionRefuseAnEmptyValue) {
  CLI::App app;
  std::string budget;
  app.add_option("--budget", budget);
  refuse_lax_options(app);
  try {
    parse(app, {"--budget", ""});
    FAIL() << "an empty value was taken";
  } catch (const CLI::ParseError& error) {
    EXPECT_STREQ(error.what(), "--budget: expected a value, got an empty one");
  }
}

}  // namespace
}  // namespace kvscope::cli
