#pragma once

#include <string>

#include "core/budget/budget.h"

namespace kvscope {

/// The options of `kvscope plan` that lead to a budget: "--ratio 0.2 --of read --statistic
/// cosine-key …". Empty when the budget does not say how it was made, or when its layers are none
/// that a plan gives, as after an edit.
std::string plan_options_of(const Budget& budget);

}  // namespace kvscope
