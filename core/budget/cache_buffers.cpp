#include "core/budget/cache_buffers.h"

#include <algorithm>
#include <variant>

namespace kvscope {

bool runs_vanilla(const Budget& budget) {
  return budget.policy == vanilla_policy &&
         std::all_of(budget.layers.begin(), budget.layers.end(), [](const LayerBudget& layer) {
           return std::holds_alternative<KeepAll>(layer.rule);
         });
}

bool appends_in_place(const RetentionPlan& plan, int layer, int target) {
  // After the last scale nothing stays.
  if (target == plan.schedule().last_scale()) return false;
  std::vector<int> have = plan.source_scales(layer, target);
  have.push_back(target);
  return have == plan.source_scales(layer, target + 1);
}

CacheBuffers vanilla_buffers(const ScaleSchedule& schedule, int layers) {
  return {.layer_tokens =
              std::vector<std::int64_t>(static_cast<std::size_t>(layers), schedule.total_tokens())};
}

CacheBuffers planned_buffers(const RetentionPlan& plan) {
  const ScaleSchedule& schedule = plan.schedule();
  CacheBuffers buffers;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int target = 0; target < schedule.scales(); ++target) {
      if (appends_in_place(plan, layer, target)) continue;
      buffers.shared_tokens = std::max(buffers.shared_tokens,
                                       plan.read_tokens(layer, target) + schedule.tokens(target));
    }
    buffers.layer_tokens.push_back(plan.most_held_tokens(layer));
  }
  return buffers;
}

CacheBuffers cache_buffers(const Budget& budget) {
  const RetentionPlan plan(budget);
  return runs_vanilla(budget) ? vanilla_buffers(plan.schedule(), plan.layers())
                              : planned_buffers(plan);
}

}  // namespace kvscope
