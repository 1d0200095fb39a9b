#pragma once

#include <cstdint>

#include "core/base/bootstrap.h"

namespace kvscope {

/// Exact two-sided interval of a share, of which `hits` of `trials` were found (Clopper and
/// Pearson, Biometrika 26, 1934). At each end of the interval the chance of such a count, or of one
/// further out, is (1 − confidence) / 2. Both ends grow with `hits`. Throws Error unless 0 ≤ hits ≤
/// trials, trials > 0 and the confidence lies in (0, 1).
Interval binomial_interval(std::int64_t hits, std::int64_t trials, double confidence);

}  // namespace kvscope
