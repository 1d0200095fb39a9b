#include "analysis/planner/kept_tokens.h"

#include <algorithm>

#include "core/budget/retention_plan.h"

namespace kvscope {

std::vector<KeptTokens> kept_tokens(const Budget& budget, const KvShape& shape) {
  const RetentionPlan plan(budget);
  std::vector<KeptTokens> layers;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    const LayerBudget& entry = budget.layers[static_cast<std::size_t>(layer)];
    KeptTokens kept;
    kept.layer = layer;
    kept.layer_class = entry.layer_class;
    kept.rule = entry.rule;
    kept.kept_tokens = plan.most_held_tokens(layer);
    for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
      kept.read_tokens.push_back(plan.read_tokens(layer, scale));
      kept.held_peak_bytes = std::max(kept.held_peak_bytes, held_bytes(plan, shape, layer, scale));
    }
    layers.push_back(std::move(kept));
  }
  return layers;
}

}  // namespace kvscope
