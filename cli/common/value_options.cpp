#include "cli/common/value_options.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope::cli {
namespace {

// What CLI11 calls the numbers that it reads itself.
bool is_number_of_cli11(const std::string& type) {
  return type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
}

std::string refuse_empty(const std::string& text) {
  return text.empty() ? "expected a value, got an empty one" : "";
}

}  // namespace

CLI::Option* add_value(CLI::App& app, const std::string& names, const std::string& description,
                       const std::string& type, ReadValue read,
                       std::function<std::string()> shown_default) {
  // The option exists only after its callback does, and knows its name best.
  auto option = std::make_shared<CLI::Option*>(nullptr);
  const auto callback = [option, read = std::move(read)](const CLI::results_t& texts) {
    read(texts.front(), (*option)->get_name());
    return true;
  };
  *option = app.add_option(names, callback, description, false, std::move(shown_default));
  (*option)->type_name(type);
  return *option;
}

CLI::Option* add_words(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                       const std::string& description) {
  return add_value(
      app, names, description, "WORD,…", [&values](std::string_view text, std::string_view option) {
        std::vector<std::string> read;
        for (const std::string_view part : split_list(text)) {
          if (part.empty()) {
            throw UsageError(fmt::format("{}: expected no empty element, got '{}'", option, text));
          }
          read.emplace_back(part);
        }
        values = std::move(read);
      });
}

void refuse_lax_options(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;  // a flag
    if (is_number_of_cli11(option->get_type_name()) || option->get_delimiter() != '\0') {
      throw std::logic_error(
          fmt::format("{}: declare it with cli/common/value_options.h", option->get_name()));
    }
    option->check(refuse_empty, "");
  }
  // Option groups are subcommands without a name.
  for (CLI::App* group : app.get_subcommands([](CLI::App*) { return true; })) {
    refuse_lax_options(*group);
  }
}

}  // namespace kvscope::cli
