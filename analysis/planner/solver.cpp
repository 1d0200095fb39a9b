#include "analysis/planner/solver.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

// Whether the layer had a step that fits.
bool raise_capacity(Budget& budget, std::size_t layer, const KvShape& shape,
                    const ByteLimit& limit) {
  LayerRule& rule = budget.layers[layer].rule;
  const LayerRule before = rule;
  const std::optional<LayerRule> next = rule.next_larger(ScaleSchedule(budget.model.patch_nums));
  if (!next) return false;
  rule = *next;
  if (peak_bytes(budget, shape, limit.of) <= limit.bytes) return true;
  rule = before;
  return false;
}

}  // namespace

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
                            const KvShape& shape, KvBytes of) {
  std::vector<LayerClass> classes(static_cast<std::size_t>(model.depth), LayerClass::efficient);
  std::fill_n(classes.begin(), demanding_layers, LayerClass::demanding);
  return peak_bytes(budget_of_classes(model, classes, demanding, efficient), shape, of);
}

int most_demanding_within(const BudgetModel& model, const LayerRule& demanding,
                          const LayerRule& efficient, const KvShape& shape,
                          const ByteLimit& limit) {
  for (int count = model.depth; count >= 0; --count) {
    const std::int64_t peak = peak_of_counts(model, count, demanding, efficient, shape, limit.of);
    if (peak <= limit.bytes) return count;
  }
  return -1;
}

// Bisection is exact because the bytes never fall when the capacity grows. After any scale a FIFO
// holds a run of scales that ends with the largest one that fits the room, as long a run as fits.
// With more room the run grows; and when a larger scale starts to fit, it alone has as many tokens
// as the room had grown to, which the run before it could not exceed. Nor do the buffers shrink. A
// layer's own is the most it holds. The shared one has room for what the last target reads and that
// target itself; that is at least the most a layer holds, because whatever left before made room
// for no more than its own tokens, and the last scale has as many. So when a capacity lets a wide
// target be appended in place, the layer that now holds it keeps the shared buffer as large.
KeepCapacity largest_capacity_within(const BudgetModel& model, int demanding_layers,
                                     const LayerRule& demanding, int condensed_scales,
                                     const KvShape& shape, const ByteLimit& limit) {
  const ScaleSchedule schedule(model.patch_nums);
  std::int64_t fits = schedule.begin(condensed_scales);
  std::int64_t largest = std::max(fits, schedule.begin(schedule.last_scale()));
  while (fits < largest) {
    const std::int64_t middle = fits + (largest - fits + 1) / 2;
    const std::int64_t peak =
        peak_of_counts(model, demanding_layers, demanding, KeepCapacity{condensed_scales, middle},
                       shape, limit.of);
    if (peak <= limit.bytes) {
      fits = middle;
    } else {
      largest = middle - 1;
    }
  }
  return {.condensed_scales = condensed_scales, .capacity_tokens = fits};
}

void fill_capacities(Budget& budget, std::span<const std::size_t> order, const KvShape& shape,
                     const ByteLimit& limit) {
  std::vector<std::size_t> rising;
  for (const std::size_t layer : order) {
    if (budget.layers.at(layer).layer_class == LayerClass::efficient) rising.push_back(layer);
  }
  // A step that does not fit never will: what the others hold only grows.
  while (!rising.empty()) {
    std::vector<std::size_t> raised;
    for (const std::size_t layer : rising) {
      if (raise_capacity(budget, layer, shape, limit)) raised.push_back(layer);
    }
    rising = std::move(raised);
  }
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
