#include "analysis/report/dropped_scales.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

/// What all efficient layers read at every target that does not read everything.
struct CommonSources {
  int first = 0;  ///< scales 0 … first − 1
  int near = 0;   ///< scales target − near … target − 1
  bool everything = true;
  bool nothing_else = true;
  bool whole_scales = true;
};

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

CommonSources common_sources(const Budget& budget) {
  const RetentionPlan plan(budget);
  CommonSources common;
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
    common.whole_scales = common.whole_scales && plan.has_source_scales(layer);
  }
  return common;
}

std::string first_scales(int count) {
  return count == 1 ? "the first scale" : fmt::format("the first {} scales", count);
}

std::string near_scales(int count) {
  return count == 1 ? "the one before the target" : fmt::format("the {} before the target", count);
}

std::string kept_part(const CommonSources& common) {
  if (common.first == 0 && common.near == 0) return "no earlier scale";
  if (common.near == 0) return first_scales(common.first);
  if (common.first == 0) return near_scales(common.near);
  return first_scales(common.first) + " and " + near_scales(common.near);
}

}  // namespace

std::string what_is_dropped(const ReportBudget& budget) {
  const std::vector<LayerBudget>& layers = budget.budget.layers;
  const bool any = std::any_of(layers.begin(), layers.end(), [](const LayerBudget& layer) {
    return layer.layer_class == LayerClass::efficient;
  });
  if (!any) return "";
  const std::string subject = "The efficient layers of " + budget.name;
  const CommonSources common = common_sources(budget.budget);
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
