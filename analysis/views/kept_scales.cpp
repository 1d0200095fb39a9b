#include "analysis/views/kept_scales.h"

#include <algorithm>
#include <limits>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

/// The part of its heads whose whole scales include the source.
double part_of_heads(const RetentionPlan& plan, int layer, int target, int source) {
  int reading = 0;
  for (const HeadGroup& group : plan.groups(layer)) {
    const std::vector<int>& sources = group.source_scales(target);
    if (std::binary_search(sources.begin(), sources.end(), source)) reading += group.heads().size();
  }
  return static_cast<double>(reading) / plan.heads();
}

void fill_layer(KeptScales& kept, const RetentionPlan& plan, int layer) {
  const ScaleSchedule& schedule = plan.schedule();
  const bool whole = kept.whole_scales[static_cast<std::size_t>(layer)];
  for (int target = 0; target < schedule.scales(); ++target) {
    const std::int64_t head_tokens = plan.read_head_tokens(layer, target);
    kept.read_tokens(layer, target) = head_tokens / plan.heads();
    for (int source = 0; source < target; ++source) {
      kept.read(layer, target, source) =
          whole ? part_of_heads(plan, layer, target, source)
                : static_cast<double>(head_tokens) /
                      static_cast<double>(plan.heads() * schedule.begin(target));
    }
  }
  const int last = schedule.last_scale();
  for (int source = 0; source < last; ++source) {
    double sum = 0;
    for (int target = source + 1; target <= last; ++target) sum += kept.read(layer, target, source);
    kept.share(layer, source) = whole ? sum / (last - source) : kept.read(layer, last, source);
  }
}

}  // namespace

KeptScales kept_scales(const Budget& budget) {
  const RetentionPlan plan(budget);
  const int scales = plan.schedule().scales();
  KeptScales kept;
  kept.read =
      NdArray<double>({plan.layers(), scales, scales}, std::numeric_limits<double>::quiet_NaN());
  kept.share = NdArray<double>({plan.layers(), scales - 1});
  kept.read_tokens = NdArray<std::int64_t>({plan.layers(), scales});
  for (int layer = 0; layer < plan.layers(); ++layer) {
    kept.classes.push_back(budget.layers[static_cast<std::size_t>(layer)].layer_class);
    kept.whole_scales.push_back(plan.has_source_scales(layer));
    fill_layer(kept, plan, layer);
  }
  return kept;
}

}  // namespace kvscope
