#pragma once

#include <cstdint>
#include <span>

namespace kvscope {

/// Spearman's rank correlation of paired values: the correlation (Pearson) of their ranks. Equal
/// values share the mean of their ranks. NaN with fewer than two pairs, or when all values of one
/// side are equal.
double rank_correlation(std::span<const double> a, std::span<const double> b);

/// Two-sided p-value of such a correlation: how often chance gives one as large. It is the share of
/// `permutations` random orders of b, and of the given one, whose |correlation| is at least as
/// large. NaN where the correlation is.
double permutation_p_value(std::span<const double> a, std::span<const double> b,
                           int permutations = 10000, std::uint64_t seed = 0);

}  // namespace kvscope
