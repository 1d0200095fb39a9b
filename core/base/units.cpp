#include "core/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

std::string three_digits(double value, std::string_view unit) {
  const int decimals = std::abs(value) >= 100 ? 0 : std::abs(value) >= 10 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, unit);
}

}  // namespace

std::string format_bytes(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (std::abs(bytes) < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return three_digits(value, units[unit]);
}

std::string format_ns(double ns) {
  if (!std::isfinite(ns)) return "-";
  if (std::abs(ns) < 1e3) return three_digits(ns, "ns");
  if (std::abs(ns) < 1e6) return three_digits(ns / 1e3, "µs");
  if (std::abs(ns) < 1e9) return three_digits(ns / 1e6, "ms");
  return three_digits(ns / 1e9, "s");
}

std::int64_t parse_bytes(const std::string& text, const std::string& option) {
  struct Unit {
    std::string_view name;
    double bytes;
  };
  static constexpr std::array<Unit, 10> units = {{{"", 1},
                                                  {"B", 1},
                                                  {"KB", 1e3},
                                                  {"MB", 1e6},
                                                  {"GB", 1e9},
                                                  {"TB", 1e12},
                                                  {"KiB", 1024.0},
                                                  {"MiB", 1048576.0},
                                                  {"GiB", 1073741824.0},
                                                  {"TiB", 1099511627776.0}}};
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc() && value >= 0) {
    for (const Unit& unit : units) {
      const double bytes = value * unit.bytes;
      if (std::string_view(rest, end) == unit.name && bytes < 9e18) {
        return static_cast<std::int64_t>(bytes);
      }
    }
  }
  throw UsageError(fmt::format("{}: expected a size such as 500000000, 512MiB or 24GiB, got '{}'",
                               option, text));
}

}  // namespace kvscope
