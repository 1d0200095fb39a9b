#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cli/common/command.h"
#include "cli/common/value_options.h"
#include "core/base/error.h"

namespace kvscope::cli {

/// Every option of `app` that takes a value, by name.
inline std::vector<CLI::Option*> options_with_values(CLI::App& app) {
  std::vector<CLI::Option*> options;
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0) options.push_back(option);
  }
  for (CLI::App* group : app.get_subcommands([](CLI::App*) { return true; })) {
    for (CLI::Option* option : options_with_values(*group)) options.push_back(option);
  }
  return options;
}

/// What `command` says of its arguments alone; empty where it takes them, required ones aside.
inline std::string refusal_of(const Command& command, std::vector<std::string> arguments) {
  CLI::App app;
  const std::function<int()> run = command.define(app);
  refuse_lax_options(app);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::RequiredError&) {
    return "";
  } catch (const CLI::RequiresError&) {
    return "";
  } catch (const CLI::ParseError& error) {
    return error.what();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

/// What --help says of the option.
inline std::string help_of(const Command& command, const std::string& option) {
  CLI::App app;
  const std::function<int()> run = command.define(app);
  return app.get_option(option)->get_description();
}

/// Gives every option of `command` values that no number is and no path can be. Returns the names
/// of the numbers among them, lists included.
inline std::vector<std::string> expect_strict_options(const Command& command) {
  using ::testing::AllOf;
  using ::testing::HasSubstr;
  CLI::App app;
  const std::function<int()> run = command.define(app);
  std::vector<std::string> numbers;
  for (const CLI::Option* option : options_with_values(app)) {
    const std::string name = option->get_name();
    const auto arguments = [&](const std::string& value) {
      return name.starts_with("-") ? std::vector{name, value} : std::vector{value};
    };
    const std::string where = fmt::format("{} {}", command.name, name);
    EXPECT_THAT(refusal_of(command, arguments("")), HasSubstr(name)) << where;
    const std::string type = option->get_type_name();
    if (type.starts_with("WORD,…")) {
      EXPECT_THAT(refusal_of(command, arguments("a,,b")),
                  AllOf(HasSubstr(name), HasSubstr("a,,b")));
    }
    const bool whole = type.starts_with("N,…") || type == "N" || type.starts_with("N:");
    const bool is_number = whole || type.starts_with("NUMBER");
    if (!is_number) continue;
    numbers.push_back(name);
    std::vector<std::string> bad = {"0x10", "nan",  "inf", "-inf", "1e999", " 1", "1 ",
                                    "+1",   "1,,2", "1,",  ",1",   "one",   "1;2"};
    if (whole) bad.insert(bad.end(), {"1e308", "1e3", "1.5", "99999999999999999999"});
    for (const std::string& value : bad) {
      EXPECT_THAT(refusal_of(command, arguments(value)), HasSubstr(name))
          << where << " '" << value << "'";
    }
    // Of a list it may be the element that is named.
    for (const char* value : {"0x10", "nan", "one"}) {
      EXPECT_THAT(refusal_of(command, arguments(value)), HasSubstr(value)) << where;
    }
  }
  return numbers;
}

}  // namespace kvscope::cli
