#pragma once

#include <cstdint>
#include <vector>

#include "core/capture/scores.h"

namespace kvscope {

/// Share of samples whose predicted class is their label, with a percentile bootstrap over samples.
/// Where all are recognised, or none, every resample is alike and says nothing about spread: the
/// open end is then the exact binomial bound (Clopper and Pearson, Biometrika 26, 1934). NaN
/// without samples.
Estimate class_accuracy(const std::vector<std::int32_t>& labels,
                        const std::vector<std::int32_t>& predicted,
                        const BootstrapOptions& options);

}  // namespace kvscope
