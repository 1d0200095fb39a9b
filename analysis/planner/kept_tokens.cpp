#include "analysis/planner/kept_tokens.h"

#include <algorithm>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

KeptHeads kept_heads(const HeadGroup& group, const ScaleSchedule& schedule) {
  KeptHeads kept{
      .heads = group.heads(), .kept_tokens = group.most_held_tokens(), .read_tokens = {}};
  for (int target = 0; target < schedule.scales(); ++target) {
    kept.read_tokens.push_back(group.read_tokens(target));
  }
  return kept;
}

}  // namespace

std::vector<KeptTokens> kept_tokens(const Budget& budget, const KvShape& shape) {
  const RetentionPlan plan(budget);
  std::vector<KeptTokens> layers;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const LayerBudget& entry = budget.layers[static_cast<std::size_t>(layer)];
    KeptTokens kept;
    kept.layer = layer;
    kept.layer_class = entry.layer_class;
    kept.rule = entry.rule;
    for (const HeadGroup& group : plan.groups(layer)) {
      kept.groups.push_back(kept_heads(group, plan.schedule()));
    }
    for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
      kept.held_peak_bytes = std::max(kept.held_peak_bytes, held_bytes(plan, shape, layer, scale));
    }
    layers.push_back(std::move(kept));
  }
  return layers;
}

}  // namespace kvscope
