#include "analysis/layers/attention_statistic.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/budget/policies/rule_fields.h"

namespace kvscope {
namespace {

// Distant is what an efficient layer would not keep.
constexpr int condensed_scales = default_condensed_scales;
constexpr int local_scales = default_local_scales;
constexpr int first_target = condensed_scales + local_scales + 1;

double of_target(const NdArray<double>& shares, const ScaleSchedule& schedule, std::int64_t layer,
                 std::int64_t head, int target, DistantAttention measure) {
  const int end = target - local_scales;
  double sum = 0;
  for (int source = condensed_scales; source < end; ++source) {
    const double share = shares(layer, head, target, source);
    sum += measure == DistantAttention::mass ? share
                                             : share / static_cast<double>(schedule.tokens(source));
  }
  if (measure == DistantAttention::mass) return sum;
  return sum * static_cast<double>(schedule.end(target)) / (end - condensed_scales);
}

double of_layer(const NdArray<double>& shares, const ScaleSchedule& schedule, std::int64_t layer,
                DistantAttention measure) {
  const std::int64_t heads = shares.shape[1];
  double sum = 0;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (int target = first_target; target < schedule.scales(); ++target) {
      sum += of_target(shares, schedule, layer, head, target, measure);
    }
  }
  return sum / static_cast<double>(heads * (schedule.scales() - first_target));
}

}  // namespace

LayerStatisticValues attention_statistic(std::span<const BatchStatistics> batches,
                                         const ScaleSchedule& schedule, DistantAttention measure,
                                         const BootstrapOptions& options) {
  if (batches.empty() || batches.front().mass_sum.empty()) {
    throw Error("[layers] layer statistic: expected attention mass, got a file without it");
  }
  if (schedule.scales() <= first_target) {
    throw Error(
        fmt::format("[layers] layer statistic: expected at least {} scales, of which some are "
                    "distant to others, got {}",
                    first_target + 1, schedule.scales()));
  }
  const std::int64_t layers = batches.front().mass_sum.shape.at(0);
  NdArray<double> sums({static_cast<std::int64_t>(batches.size()), layers});
  std::vector<std::int64_t> samples;
  for (std::size_t batch = 0; batch < batches.size(); ++batch) {
    samples.push_back(batches[batch].samples);
    const NdArray<double> shares =
        attention_share(batches[batch].mass_sum, schedule.tokens_by_scale());
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      sums(batch, layer) = -of_layer(shares, schedule, layer, measure);
    }
  }
  LayerStatisticValues statistics = layer_statistic_values(
      sums, samples, options, "the attention weights of its Q and K were not finite");
  const bool is_mass = measure == DistantAttention::mass;
  statistics.name = is_mass ? "distant-mass" : "distant-density";
  statistics.negated = true;
  statistics.meaning = is_mass ? "share of attention on distant scales"
                               : "attention density on distant scales, 1: spread evenly";
  return statistics;
}

}  // namespace kvscope
