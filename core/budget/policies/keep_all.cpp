#include "core/budget/policies/keep_all.h"

#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kvscope {

KeepAll KeepAll::parse(JsonFields& fields, const ScaleSchedule& /*schedule*/) {
  if (const std::string text = fields.text(key); text != "all") {
    fields.fail(key, "one of all", fmt::format("\"{}\"", text));
  }
  return {};
}

void KeepAll::write(nlohmann::json& layer) const { layer[key] = "all"; }

std::vector<HeadGroup> KeepAll::groups(const ScaleSchedule& schedule, int heads) const {
  SourceScales sources;
  for (int target = 0; target < schedule.scales(); ++target) {
    std::vector<int> all(static_cast<std::size_t>(target));
    std::iota(all.begin(), all.end(), 0);
    sources.push_back(std::move(all));
  }
  return {HeadGroup::of_whole_scales(HeadSet::all(heads), schedule, std::move(sources))};
}

}  // namespace kvscope
