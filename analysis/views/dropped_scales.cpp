#include "analysis/views/dropped_scales.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

int leading(const std::vector<int>& sources) {
  int count = 0;
  while (count < static_cast<int>(sources.size()) &&
         sources[static_cast<std::size_t>(count)] == count) {
    ++count;
  }
  return count;
}

int trailing(const std::vector<int>& sources, int target) {
  int count = 0;
  for (auto source = sources.rbegin(); source != sources.rend(); ++source) {
    if (*source != target - 1 - count) break;
    ++count;
  }
  return count;
}

/// Calls `visit(sources, target)` for every target of every efficient layer that drops something.
template <typename Visit>
void for_each_drop(const Budget& budget, const RetentionPlan& plan, Visit visit) {
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const LayerBudget& rule = budget.layers.at(static_cast<std::size_t>(layer));
    if (rule.layer_class != LayerClass::efficient) continue;
    for (const HeadGroup& group : plan.groups(layer)) {
      if (!group.has_source_scales()) continue;
      for (int target = 1; target < plan.schedule().scales(); ++target) {
        const std::vector<int>& sources = group.source_scales(target);
        if (static_cast<int>(sources.size()) < target) visit(sources, target);
      }
    }
  }
}

std::string first_scales(int count) {
  return count == 1 ? "the first scale" : fmt::format("the first {} scales", count);
}

std::string near_scales(int count) {
  return count == 1 ? "the one before the target" : fmt::format("the {} before the target", count);
}

std::string kept_part(const DroppedScales& common) {
  if (common.first == 0 && common.near == 0) return "no earlier scale";
  if (common.near == 0) return first_scales(common.first);
  if (common.first == 0) return near_scales(common.near);
  return first_scales(common.first) + " and " + near_scales(common.near);
}

}  // namespace

std::optional<DroppedScales> dropped_scales(const Budget& budget) {
  const bool any = std::any_of(
      budget.layers.begin(), budget.layers.end(),
      [](const LayerBudget& layer) { return layer.layer_class == LayerClass::efficient; });
  if (!any) return std::nullopt;
  const RetentionPlan plan(budget);
  DroppedScales common;
  common.first = common.near = plan.schedule().scales();
  for_each_drop(budget, plan, [&](const std::vector<int>& sources, int target) {
    common.everything = false;
    common.first = std::min(common.first, leading(sources));
    common.near = std::min(common.near, trailing(sources, target));
  });
  for_each_drop(budget, plan, [&](const std::vector<int>& sources, int) {
    common.nothing_else =
        common.nothing_else && static_cast<int>(sources.size()) == common.first + common.near;
  });
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const LayerBudget& rule = budget.layers[static_cast<std::size_t>(layer)];
    if (rule.layer_class != LayerClass::efficient) continue;
    common.whole_scales = common.whole_scales && plan.has_source_scales(layer);
  }
  return common;
}

std::string what_is_dropped(const Budget& budget, const std::string& name) {
  const std::optional<DroppedScales> dropped = dropped_scales(budget);
  if (!dropped) return "";
  const DroppedScales& common = *dropped;
  const std::string subject = "The efficient layers of " + name;
  if (!common.whole_scales) return subject + " pick tokens by what they hold, not whole scales.";
  if (common.everything) return subject + " read every earlier scale.";
  const std::string neighbour = common.near == 0 ? ", the one before the target too" : "";
  if (common.nothing_else) {
    const std::string only = common.first > 0 && common.near > 0 ? "" : "only ";
    return fmt::format("{} read {}{} and drop all others{}.", subject,
                       common.first + common.near == 0 ? "" : only, kept_part(common), neighbour);
  }
  return fmt::format("{} all read {}; what they drop of the others differs by layer and target{}.",
                     subject, kept_part(common),
                     common.near == 0 ? ", and may be the one before the target" : "");
}

}  // namespace kvscope
