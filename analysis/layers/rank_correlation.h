#pragma once

#include <cstdint>
#include <span>

namespace kvscope {

/// Spearman's rank correlation of paired values: Pearson's correlation of their ranks, equal values
/// sharing the mean of theirs. NaN with fewer than two pairs or when all values of one side are
/// equal.
double rank_correlation(std::span<const double> a, std::span<const double> b);

/// Two-sided p-value of a correlation that large by chance: the share of `permutations` random
/// orders of b (and the given one) whose |correlation| is at least as large. NaN where the
/// correlation is.
double permutation_p_value(std::span<const double> a, std::span<const double> b,
                           int permutations = 10000, std::uint64_t seed = 0);

}  // namespace kvscope
