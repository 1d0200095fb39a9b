#include "core/cache/make_cache.h"

#include "core/budget/cache_moves.h"
#include "core/cache/planned_cache.h"
#include "core/cache/vanilla_cache.h"

namespace kvscope {

std::unique_ptr<KvCache> make_cache(const Budget& budget, at::ScalarType dtype, at::Device device) {
  const BudgetModel& model = budget.model;
  const CacheStorage storage{model.heads, model.head_dim, dtype, device};
  if (runs_vanilla(budget)) {
    return std::make_unique<VanillaCache>(ScaleSchedule(model.patch_nums), model.depth, storage);
  }
  return std::make_unique<PlannedCache>(RetentionPlan(budget), storage);
}

}  // namespace kvscope
