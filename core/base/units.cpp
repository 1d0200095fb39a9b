#include "core/base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

// Values are below 1000, or 1024 in binary units.
std::string with_digits(double value, std::string_view unit, int digits) {
  const int before_the_point = std::abs(value) >= 100 ? 3 : std::abs(value) >= 10 ? 2 : 1;
  const int decimals = std::max(0, digits - before_the_point);
  return fmt::format("{:.{}f} {}", value, decimals, unit);
}

// NaN for what is no unit.
double bytes_of_unit(std::string_view text) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  static constexpr std::array<Unit, 13> units = {{{"b", 1},
                                                  {"kb", 1e3},
                                                  {"mb", 1e6},
                                                  {"gb", 1e9},
                                                  {"tb", 1e12},
                                                  {"k", 1024.0},
                                                  {"m", 1048576.0},
                                                  {"g", 1073741824.0},
                                                  {"t", 1099511627776.0},
                                                  {"kib", 1024.0},
                                                  {"mib", 1048576.0},
                                                  {"gib", 1073741824.0},
                                                  {"tib", 1099511627776.0}}};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  for (const Unit& unit : units) {
    if (lower == unit.name) return unit.bytes;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::string format_bytes(std::int64_t bytes, int digits) {
  static constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (std::abs(bytes) < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return with_digits(value, units[unit], digits);
}

std::string format_ns(double ns) {
  if (!std::isfinite(ns)) return "-";
  if (std::abs(ns) < 1e3) return with_digits(ns, "ns", 3);
  if (std::abs(ns) < 1e6) return with_digits(ns / 1e3, "µs", 3);
  if (std::abs(ns) < 1e9) return with_digits(ns / 1e6, "ms", 3);
  return with_digits(ns / 1e9, "s", 3);
}

std::int64_t parse_bytes(const std::string& text, const std::string& option) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc() && value >= 0) {
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    // The largest size whose bytes an int64 holds, with some room.
    const double bytes =
        value * bytes_of_unit(unit.substr(std::min(unit.find_first_not_of(' '), unit.size())));
    if (bytes >= 0 && bytes < 9e18) return static_cast<std::int64_t>(bytes);
  }
  throw UsageError(fmt::format(
      "{}: expected a size with its unit such as 512MiB, 24GiB or 24GB, got '{}'", option, text));
}

}  // namespace kvscope
