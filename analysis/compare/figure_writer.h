#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "analysis/compare/spread.h"
#include "analysis/compare/titled_table.h"
#include "core/base/table.h"
#include "core/base/units.h"
#include "core/record/scores.h"

namespace kvscope {

/// Stands in place of a ratio that its spread does not bear out.
inline constexpr std::string_view no_difference = "no difference seen";

/// Writes cells and column names in one of the two ways.
class FigureWriter {
 public:
  explicit FigureWriter(Numbers numbers) : exact_(numbers == Numbers::exact) {}

  std::string column(const std::string& name, const char* unit) const {
    return exact_ ? fmt::format("{} [{}]", name, unit) : name;
  }
  std::string bytes(std::int64_t value) const {
    return exact_ ? std::to_string(value) : format_bytes(value);
  }
  std::string ns(double value) const {
    return exact_ ? fmt::format("{}", value) : format_ns(value);
  }
  std::string change(double fraction) const {
    if (exact_) return fmt::format("{}", fraction);
    return std::abs(fraction) < 0.0005 ? "0.0 %" : fmt::format("{:+.1f} %", 100 * fraction);
  }
  std::string share(double fraction) const {
    return exact_ ? fmt::format("{}", fraction) : fmt::format("{:.1f} %", 100 * fraction);
  }
  std::string number(std::optional<double> value, int decimals) const {
    if (!value) return none();
    return exact_ ? fmt::format("{}", *value) : fmt::format("{:.{}f}", *value, decimals);
  }
  std::string none() const { return exact_ ? "" : "-"; }

  /// Cells of a ratio of measurements: for people one, which shows no change that their spread does
  /// not bear out; for scripts the number, and whether a difference is seen.
  std::vector<std::string> ratio_columns(const std::string& name) const {
    if (!exact_) return {name};
    return {column(name, "ratio"), name + " difference"};
  }
  std::vector<std::string> ratio_cells(const std::optional<SpreadRatio>& figure) const {
    if (!exact_) return {figure ? in_words(*figure) : none()};
    if (!figure) return {none(), none()};
    return {fmt::format("{}", figure->value), name_of(figure->difference)};
  }
  static std::string in_words(const SpreadRatio& figure) {
    if (figure.difference == Difference::not_seen) return std::string(no_difference);
    return fmt::format("{:.2f}×{}", figure.value,
                       figure.difference == Difference::unknown ? " (one run)" : "");
  }

  /// Cells of a figure with its interval, which are one for people and two for scripts.
  std::vector<std::string> estimate_columns(const std::string& name, const char* unit) const {
    if (!exact_) return {name, name + ", interval"};
    return {column(name, unit), column(name + " low", unit), column(name + " high", unit)};
  }
  template <typename Format>
  std::vector<std::string> estimate(const Estimate& figure, Format format) const {
    const auto cell = [&](double value) { return std::isnan(value) ? none() : format(value); };
    if (exact_) return {cell(figure.value), cell(figure.low), cell(figure.high)};
    if (std::isnan(figure.low)) return {cell(figure.value), none()};
    return {cell(figure.value), fmt::format("{} … {}", format(figure.low), format(figure.high))};
  }

 private:
  bool exact_;
};

}  // namespace kvscope
