#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace kvscope::cli {

/// Help in the form of CLI11's, of lines that fit into `columns`.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(int columns);

  std::string make_description(const CLI::App* app) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_footer(const CLI::App* app) const override;
  std::string make_expanded(const CLI::App* sub) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;

 private:
  int columns_;
};

}  // namespace kvscope::cli
