#include "cli/common/number_check.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace kvscope::cli {

CLI::Validator at_least(int smallest) {
  const auto problem = [smallest](const std::string& text) -> std::string {
    double value = 0;
    const bool is_number = CLI::detail::lexical_cast(text, value) && std::isfinite(value);
    if (is_number && value >= smallest) return "";
    return fmt::format("expected a number of at least {}, got {}", smallest, text);
  };
  return {problem, fmt::format("at least {}", smallest)};
}

CLI::Validator seed_number() {
  const auto problem = [](const std::string& text) -> std::string {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, value);
    if (failure == std::errc() && stop == end) return "";
    return fmt::format("expected a whole number from 0 to 2^64 − 1, got {}", text);
  };
  return {problem, ""};
}

}  // namespace kvscope::cli
