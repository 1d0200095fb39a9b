#include "analysis/views/attention_cover.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace kvscope {
namespace {

int group_of_head(const RetentionPlan& plan, int layer, std::int64_t head) {
  const std::vector<HeadGroup>& groups = plan.head_groups(layer);
  int group = 0;
  while (head >= groups.at(static_cast<std::size_t>(group)).first_head +
                     groups[static_cast<std::size_t>(group)].heads) {
    ++group;
  }
  return group;
}

double covered_of_head(const NdArray<double>& shares, const RetentionPlan& plan, int layer,
                       std::int64_t head, int target) {
  const int group = group_of_head(plan, layer, head);
  if (!plan.has_source_scales(layer, group)) return std::numeric_limits<double>::quiet_NaN();
  double sum = shares(layer, head, target, target);
  for (const int source : plan.source_scales(layer, target, group)) {
    sum += shares(layer, head, target, source);
  }
  return sum;
}

}  // namespace

NdArray<double> covered_attention(const NdArray<double>& shares, const RetentionPlan& plan,
                                  HeadChoice head) {
  const std::int64_t heads = shares.shape[1];
  NdArray<double> covered({shares.shape[0], shares.shape[2]});
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int target = 0; target < plan.schedule().scales(); ++target) {
      if (head) {
        covered(layer, target) = covered_of_head(shares, plan, layer, *head, target);
        continue;
      }
      double sum = 0;
      for (std::int64_t each = 0; each < heads; ++each) {
        sum += covered_of_head(shares, plan, layer, each, target);
      }
      covered(layer, target) = sum / static_cast<double>(heads);
    }
  }
  return covered;
}

}  // namespace kvscope
