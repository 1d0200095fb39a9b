#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {

/// The condensed scales stay; later ones share `capacity_tokens` first in, first out (the current
/// scale not counted): {"condensed_scales": 2, "capacity_tokens": 120}. It is the CLRU of AMS-KV
/// (arXiv 2511.16047).
struct KeepCapacity {
  int condensed_scales = default_condensed_scales;
  std::int64_t capacity_tokens = 0;

  static constexpr std::string_view key = "capacity_tokens";
  static constexpr std::string_view policy = ams_kv_policy;

  static KeepCapacity parse(JsonFields& fields, const ScaleSchedule& schedule);
  void write(nlohmann::json& layer) const;
  std::string in_words() const;
  /// The condensed scales must fit.
  std::optional<RuleProblem> problem(const ScaleSchedule& schedule) const;
  std::vector<HeadGroup> groups(const ScaleSchedule& schedule, int heads) const;
  RuleOptions plan_options() const;
  /// The smallest larger capacity that changes what is held after some scale.
  std::optional<KeepCapacity> next_larger(const ScaleSchedule& schedule) const;

  bool operator==(const KeepCapacity&) const = default;
};

}  // namespace kvscope
