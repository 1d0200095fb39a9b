#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kvscope {

/// Median and quartiles of repeated measurements (linear interpolation between order statistics).
struct Spread {
  double median = 0;
  double lower_quartile = 0;
  double upper_quartile = 0;
  std::int64_t count = 0;

  double interquartile_range() const { return upper_quartile - lower_quartile; }
};

/// Throws Error when `values` is empty.
Spread spread_of(std::vector<double> values);

enum class Difference {
  seen,      ///< the interquartile ranges lie apart
  not_seen,  ///< they overlap, be the medians what they may
  unknown,   ///< a single measurement on a side has no range
};

std::string name_of(Difference difference);  ///< "seen", "not seen", "unknown"

/// A ratio of medians, and whether it may be called a change.
struct SpreadRatio {
  double value = 0;
  Difference difference = Difference::unknown;
};

/// `after` over `before`; nothing where the median of `before` is 0.
std::optional<SpreadRatio> ratio_of(const Spread& before, const Spread& after);

}  // namespace kvscope
