#include "core/cache/make_cache.h"

#include <algorithm>
#include <variant>

#include "core/cache/planned_cache.h"
#include "core/cache/vanilla_cache.h"

namespace kvscope {

std::unique_ptr<KvCache> make_cache(const Budget& budget, at::ScalarType dtype, at::Device device) {
  const BudgetModel& model = budget.model;
  const CacheStorage storage{model.heads, model.head_dim, dtype, device};
  const bool keeps_all = std::all_of(
      budget.layers.begin(), budget.layers.end(),
      [](const LayerBudget& layer) { return std::holds_alternative<KeepAll>(layer.rule); });
  // A hand-written budget that keeps all still runs planned: its policy asked for the plan.
  if (budget.policy == vanilla_policy && keeps_all) {
    return std::make_unique<VanillaCache>(ScaleSchedule(model.patch_nums), model.depth, storage);
  }
  return std::make_unique<PlannedCache>(RetentionPlan(budget), storage);
}

}  // namespace kvscope
