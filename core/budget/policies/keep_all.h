#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"

namespace kvscope {

/// Budgets in which every layer keeps everything. Under any other policy a layer may, too.
inline constexpr std::string_view vanilla_policy = "vanilla";

/// Every source scale stays: {"keep": "all"}.
struct KeepAll {
  static constexpr std::string_view key = "keep";
  static constexpr std::string_view policy = vanilla_policy;

  static KeepAll parse(JsonFields& fields, const ScaleSchedule& schedule);
  void write(nlohmann::json& layer) const;
  std::string in_words() const { return "all"; }
  std::optional<RuleProblem> problem(const ScaleSchedule&) const { return std::nullopt; }
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const;

  bool operator==(const KeepAll&) const = default;
};

}  // namespace kvscope
