#include "analysis/planner/solver.h"

#include <algorithm>
#include <cmath>

#include "core/budget/retention_plan.h"

namespace kvscope {

Budget budget_of_classes(const BudgetModel& model, std::span<const LayerClass> classes,
                         const LayerRule& demanding, const LayerRule& efficient) {
  Budget budget;
  budget.policy = ams_kv_policy;
  budget.model = model;
  for (const LayerClass layer_class : classes) {
    const bool is_demanding = layer_class == LayerClass::demanding;
    budget.layers.push_back(
        {.layer_class = layer_class, .rule = is_demanding ? demanding : efficient});
  }
  return budget;
}

std::int64_t peak_of_counts(const BudgetModel& model, int demanding_layers,
                            const LayerRule& demanding, const LayerRule& efficient,
                            const KvShape& shape) {
  std::vector<LayerClass> classes(static_cast<std::size_t>(model.depth), LayerClass::efficient);
  std::fill_n(classes.begin(), demanding_layers, LayerClass::demanding);
  return logical_peak_bytes(RetentionPlan(budget_of_classes(model, classes, demanding, efficient)),
                            shape);
}

int most_demanding_within(const BudgetModel& model, const LayerRule& demanding,
                          const LayerRule& efficient, const KvShape& shape,
                          std::int64_t limit_bytes) {
  for (int count = model.depth; count >= 0; --count) {
    if (peak_of_counts(model, count, demanding, efficient, shape) <= limit_bytes) return count;
  }
  return -1;
}

// Bisection is exact because the bytes never fall when the capacity grows. After any scale a FIFO
// holds a run of scales that ends with the largest one that fits the room, as long a run as fits.
// With more room the run grows; and when a larger scale starts to fit, it alone has as many tokens
// as the room had grown to, which the run before it could not exceed.
KeepCapacity largest_capacity_within(const BudgetModel& model, int demanding_layers,
                                     const LayerRule& demanding, int condensed_scales,
                                     const KvShape& shape, std::int64_t limit_bytes) {
  const ScaleSchedule schedule(model.patch_nums);
  std::int64_t fits = schedule.begin(condensed_scales);
  std::int64_t largest = std::max(fits, schedule.begin(schedule.last_scale()));
  while (fits < largest) {
    const std::int64_t middle = fits + (largest - fits + 1) / 2;
    const std::int64_t peak = peak_of_counts(model, demanding_layers, demanding,
                                             KeepCapacity{condensed_scales, middle}, shape);
    if (peak <= limit_bytes) {
      fits = middle;
    } else {
      largest = middle - 1;
    }
  }
  return {.condensed_scales = condensed_scales, .capacity_tokens = fits};
}

std::int64_t bytes_within_ratio(double ratio, std::int64_t denominator_bytes) {
  const double denominator = static_cast<double>(denominator_bytes);
  const auto fits = [&](std::int64_t bytes) {
    return static_cast<double>(bytes) / denominator <= ratio;
  };
  auto bytes = static_cast<std::int64_t>(std::floor(ratio * denominator));
  while (fits(bytes + 1)) ++bytes;
  while (bytes > 0 && !fits(bytes)) --bytes;
  return bytes;
}

}  // namespace kvscope
