#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"
#include "core/budget/policies/rule_fields.h"

namespace kvscope {

/// Budgets of whole scales, by layer (AMS-KV, arXiv 2511.16047).
inline constexpr std::string_view ams_kv_policy = "ams-kv";

/// The condensed scales and the `local_scales` most recent ones before the target stay:
/// {"condensed_scales": 2, "local_scales": 1}.
struct KeepLocal {
  int condensed_scales = default_condensed_scales;
  int local_scales = 0;

  static constexpr std::string_view key = "local_scales";
  static constexpr std::string_view policy = ams_kv_policy;

  static KeepLocal parse(JsonFields& fields, const ScaleSchedule& schedule);
  void write(nlohmann::json& layer) const;
  std::string in_words() const;
  std::optional<RuleProblem> problem(const ScaleSchedule& schedule) const;
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const;
  RuleOptions plan_options() const;

  bool operator==(const KeepLocal&) const = default;
};

}  // namespace kvscope
