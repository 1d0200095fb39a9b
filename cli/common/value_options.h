#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/base/decimal.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace kvscope::cli {

// Options that take numbers or lists. CLI11 itself reads 010 as 8, takes 0x10, nan and nothing, and
// drops empty list elements: here core/base/decimal.h reads them. refuse_lax_options, which every
// command goes through, lets no other declaration of them pass.

/// Reads the value of an option from its text. Throws UsageError naming the option.
using ReadValue = std::function<void(std::string_view text, std::string_view option)>;

/// An option with one value; `type` names it in the help, `shown_default` is what
/// capture_default_str shows.
CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& description,
                       const std::string& type, ReadValue read,
                       std::function<std::string()> shown_default = {});

/// What the help calls a number or a list of them.
template <typename Number>
std::string type_of(bool list) {
  return std::string(std::is_floating_point_v<Number> ? "NUMBER" : "N") + (list ? ",…" : "");
}

/// An option that takes one number.
template <typename Number>
CLI::Option* add_number(CLI::App& app, const std::string& names, Number& value,
                        const std::string& description, NumberRange<Number> range) {
  return add_value(
      app, names, description, type_of<Number>(false),
      [&value, range](std::string_view text, std::string_view option) {
        value = decimal_in(range, text, option);
      },
      [&value] { return fmt::to_string(value); });
}

template <typename Number>
CLI::Option* add_number(CLI::App& app, const std::string& names, std::optional<Number>& value,
                        const std::string& description, NumberRange<Number> range) {
  return add_value(app, names, description, type_of<Number>(false),
                   [&value, range](std::string_view text, std::string_view option) {
                     value = decimal_in(range, text, option);
                   });
}

/// An option that takes numbers with commas between them.
template <typename Number>
CLI::Option* add_numbers(CLI::App& app, const std::string& names, std::vector<Number>& values,
                         const std::string& description, NumberRange<Number> range) {
  return add_value(app, names, description, type_of<Number>(true),
                   [&values, range](std::string_view text, std::string_view option) {
                     std::vector<Number> read;
                     for (const std::string_view part : split_list(text)) {
                       read.push_back(decimal_in(range, part, option));
                     }
                     values = std::move(read);
                   });
}

/// An option that takes words with commas between them, none of them empty.
CLI::Option* add_words(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& description);

/// Lets every option of `app` that takes a value refuse an empty one. Throws std::logic_error for a
/// number or a list that was not declared with the functions above.
void refuse_lax_options(CLI::App& app);

}  // namespace kvscope::cli
