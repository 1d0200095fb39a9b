#pragma once

#include <optional>
#include <string_view>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"
#include "core/geometry/scale_schedule.h"

namespace kvscope {

/// What an efficient layer keeps unless told otherwise: the first scales and the one before the
/// target. What lies between is distant.
inline constexpr int default_condensed_scales = 2;
inline constexpr int default_local_scales = 1;

/// How many of the first scales are never evicted, as the budget JSON has it.
inline constexpr std::string_view condensed_field = "condensed_scales";

/// The same, and how many of the latest scales stay, as `kvscope plan` takes them.
inline constexpr const char* condensed_option = "condensed";
inline constexpr const char* local_option = "local";

/// A whole number of `fields` in this range. Throws BadInput.
int integer_between(JsonFields& fields, std::string_view key, int smallest, int largest);

/// What is wrong with a number of scales.
std::optional<RuleProblem> problem_of_scales(std::string_view field, int scales,
                                             const ScaleSchedule& schedule);

}  // namespace kvscope
