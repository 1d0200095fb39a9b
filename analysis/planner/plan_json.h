#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/planner/planner.h"

namespace kvscope {

inline constexpr std::string_view plan_schema = "kvscope.plan/1";

/// JSON of plan_schema: the budget as its file has it, the statistic and its values as people see
/// them (LayerStatisticValues), what every layer keeps, and what that comes to beside vanilla.
/// Bytes are numbers and shares fractions. Null stands for what is not known; only a sweep can tell
/// other_statistics and why.
nlohmann::json to_json(const Plan& plan, const LayerStatisticValues& statistics);

/// What every layer keeps, a list.
nlohmann::json to_json(const std::vector<KeptTokens>& layers);

}  // namespace kvscope
