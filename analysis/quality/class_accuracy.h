#pragma once

#include <cstdint>
#include <vector>

#include "core/record/scores.h"

namespace kvscope {

/// Share of samples whose predicted class is their label, with its exact binomial interval
/// (core/base/binomial.h). NaN without samples.
Estimate class_accuracy(const std::vector<std::int32_t>& labels,
                        const std::vector<std::int32_t>& predicted, double confidence);

}  // namespace kvscope
