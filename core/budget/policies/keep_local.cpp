#include "core/budget/policies/keep_local.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kvscope {

KeepLocal KeepLocal::parse(JsonFields& fields, const ScaleSchedule& schedule) {
  KeepLocal rule;
  rule.condensed_scales = integer_between(fields, condensed_field, 0, schedule.scales());
  rule.local_scales = integer_between(fields, key, 0, schedule.scales());
  return rule;
}

void KeepLocal::write(nlohmann::json& layer) const {
  layer[condensed_field] = condensed_scales;
  layer[key] = local_scales;
}

std::string KeepLocal::in_words() const {
  return fmt::format("condensed {}, local {}", condensed_scales, local_scales);
}

std::optional<RuleProblem> KeepLocal::problem(const ScaleSchedule& schedule) const {
  if (auto wrong = problem_of_scales(condensed_field, condensed_scales, schedule)) return wrong;
  return problem_of_scales(key, local_scales, schedule);
}

std::vector<HeadGroup> KeepLocal::groups(const ScaleSchedule& schedule, int heads) const {
  SourceScales sources(static_cast<std::size_t>(schedule.scales()));
  for (int target = 0; target < schedule.scales(); ++target) {
    for (int source = 0; source < target; ++source) {
      if (source < condensed_scales || source >= target - local_scales) {
        sources[static_cast<std::size_t>(target)].push_back(source);
      }
    }
  }
  return {HeadGroup::of_whole_scales(HeadSet::all(heads), schedule, std::move(sources))};
}

RuleOptions KeepLocal::plan_options() const {
  return {{condensed_option, condensed_scales}, {local_option, local_scales}};
}

}  // namespace kvscope
