#include "core/base/binomial.h"

#include <cmath>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

/// Chance of at least `hits` > 0 of `trials` at a share in (0, 1).
double chance_of_at_least(std::int64_t hits, std::int64_t trials, double share) {
  const auto n = static_cast<double>(trials);
  double sum = 0;
  for (std::int64_t count = hits; count <= trials; ++count) {
    const auto k = static_cast<double>(count);
    const double ways = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
    sum += std::exp(ways + k * std::log(share) + (n - k) * std::log1p(-share));
  }
  return sum;
}

double lower_end(std::int64_t hits, std::int64_t trials, double tail) {
  if (hits == 0) return 0;
  double low = 0;
  double high = 1;
  // The chance rises with the share. Halving 1 so often reaches the spacing of doubles.
  for (int step = 0; step < 64; ++step) {
    const double middle = (low + high) / 2;
    (chance_of_at_least(hits, trials, middle) < tail ? low : high) = middle;
  }
  return low;
}

}  // namespace

Interval binomial_interval(std::int64_t hits, std::int64_t trials, double confidence) {
  if (hits < 0 || hits > trials || trials < 1 || !(confidence > 0 && confidence < 1)) {
    throw Error(
        fmt::format("[binomial] interval: expected 0 ≤ hits ≤ trials, at least one trial "
                    "and a confidence in (0, 1), got {} of {} and {}",
                    hits, trials, confidence));
  }
  const double tail = (1 - confidence) / 2;
  return {lower_end(hits, trials, tail), 1 - lower_end(trials - hits, trials, tail)};
}

}  // namespace kvscope
