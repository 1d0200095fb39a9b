#include "analysis/layers/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/random_mode.h"

namespace kvscope {
namespace {

// Ranks from 0, minus their mean.
std::vector<double> centred_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  const double mean = (static_cast<double>(values.size()) - 1) / 2;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double shared = static_cast<double>(begin + end - 1) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = shared - mean;
    begin = end;
  }
  return ranks;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void check_pairs(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw Error("[rank correlation] expected as many values on both sides");
}

}  // namespace

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  check_pairs(a, b);
  const std::vector<double> left = centred_ranks(a);
  const std::vector<double> right = centred_ranks(b);
  const double spread = std::sqrt(dot(left, left) * dot(right, right));
  if (spread == 0) return std::numeric_limits<double>::quiet_NaN();
  return dot(left, right) / spread;
}

double permutation_p_value(std::span<const double> a, std::span<const double> b, int permutations,
                           std::uint64_t seed) {
  if (std::isnan(rank_correlation(a, b))) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> left = centred_ranks(a);
  std::vector<double> right = centred_ranks(b);
  // Ranks are multiples of a half, so the products are exact and equal ones compare equal.
  const double observed = std::abs(dot(left, right));
  std::uint64_t draw = 0;
  int as_large = 1;
  for (int permutation = 0; permutation < permutations; ++permutation) {
    for (std::size_t end = right.size(); end > 1; --end) {
      std::swap(right[end - 1], right[splitmix64(seed, draw++) % end]);
    }
    if (std::abs(dot(left, right)) >= observed) ++as_large;
  }
  return static_cast<double>(as_large) / static_cast<double>(permutations + 1);
}

}  // namespace kvscope
