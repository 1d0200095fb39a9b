#include "analysis/compare/spread.h"

#include <algorithm>

#include "core/base/bootstrap.h"
#include "core/base/error.h"

namespace kvscope {

Spread spread_of(std::vector<double> values) {
  if (values.empty()) throw Error("[compare] spread: expected at least one value, got none");
  std::sort(values.begin(), values.end());
  return {percentile(values, 0.5), percentile(values, 0.25), percentile(values, 0.75),
          static_cast<std::int64_t>(values.size())};
}

std::string name_of(Difference difference) {
  return difference == Difference::seen       ? "seen"
         : difference == Difference::not_seen ? "not seen"
                                              : "unknown";
}

std::optional<SpreadRatio> ratio_of(const Spread& before, const Spread& after) {
  if (before.median <= 0) return std::nullopt;
  SpreadRatio ratio{after.median / before.median, Difference::unknown};
  if (before.count < 2 || after.count < 2) return ratio;
  const bool apart =
      after.upper_quartile < before.lower_quartile || after.lower_quartile > before.upper_quartile;
  ratio.difference = apart ? Difference::seen : Difference::not_seen;
  return ratio;
}

}  // namespace kvscope
