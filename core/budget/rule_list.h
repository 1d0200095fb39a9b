#pragma once

#include <span>
#include <string_view>

#include "core/base/json_fields.h"
#include "core/budget/layer_rule.h"

namespace kvscope {

/// A form of what a layer keeps, as a budget file has it.
struct RuleForm {
  std::string_view key;
  std::string_view policy;
  LayerRule (*parse)(JsonFields& fields, const ScaleSchedule& schedule);
};

template <RetentionRule Rule>
constexpr RuleForm rule_form() {
  return {.key = Rule::key,
          .policy = Rule::policy,
          .parse = [](JsonFields& fields, const ScaleSchedule& schedule) -> LayerRule {
            return Rule::parse(fields, schedule);
          }};
}

/// Every form that a budget may have. A new one is one file in policies/ and one line here.
std::span<const RuleForm> rule_forms();

}  // namespace kvscope
