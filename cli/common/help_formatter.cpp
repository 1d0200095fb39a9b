#include "cli/common/help_formatter.h"

#include <algorithm>
#include <utility>

#include "core/base/text_wrap.h"

namespace kvscope::cli {
namespace {

// CLI11 indents what it expands by these.
constexpr int expanded_indent = 2;
constexpr int names_indent = 6;
constexpr int widest_names = 30;

}  // namespace

HelpFormatter::HelpFormatter(int columns) : columns_(columns) {
  // A third of a narrow terminal at most: values such as condensed=2,capacity_tokens=120 need room.
  column_width(static_cast<std::size_t>(std::min(widest_names, columns / 3)));
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrap_text(Formatter::make_description(app), columns_);
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  return wrap_text(Formatter::make_usage(app, std::move(name)), columns_);
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  return wrap_text(Formatter::make_footer(app), columns_);
}

std::string HelpFormatter::make_expanded(const CLI::App* sub) const {
  return HelpFormatter(columns_ - expanded_indent).Formatter::make_expanded(sub);
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  const std::string names = make_option_name(option, is_positional) + make_option_opts(option);
  return wrap_beside("  " + names, make_option_desc(option), names_indent,
                     static_cast<int>(get_column_width()), columns_);
}

}  // namespace kvscope::cli
