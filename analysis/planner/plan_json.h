#pragma once

#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/planner/planner.h"

namespace kvscope {

inline constexpr std::string_view plan_schema = "kvscope.plan/1";

/// Of plan_schema: the budget as its file has it, the statistic and its values, what every
/// layer keeps, and what it comes to beside vanilla. Bytes as numbers, shares as fractions, null
/// where nothing is known: other_statistics and why, which only a sweep can tell. Statistics as
/// people see them, see LayerStatisticValues.
nlohmann::json to_json(const Plan& plan, const LayerStatisticValues& statistics);

/// What every layer keeps, a list.
nlohmann::json to_json(const std::vector<KeptTokens>& layers);

}  // namespace kvscope
