#include "analysis/views/attention_cover.h"

#include <limits>
#include <numeric>
#include <vector>

namespace kvscope {
namespace {

// NaN where the group of a head picks tokens by content.
void add_covered(const NdArray<double>& shares, const HeadGroup& group, int layer, int target,
                 std::vector<double>& by_head) {
  for (const int head : group.heads().indices()) {
    double& sum = by_head[static_cast<std::size_t>(head)];
    if (!group.has_source_scales()) {
      sum = std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    sum = shares(layer, head, target, target);
    for (const int source : group.source_scales(target)) sum += shares(layer, head, target, source);
  }
}

}  // namespace

NdArray<double> covered_attention(const NdArray<double>& shares, const RetentionPlan& plan,
                                  HeadChoice head) {
  NdArray<double> covered({shares.shape[0], shares.shape[2]});
  std::vector<double> by_head(static_cast<std::size_t>(shares.shape[1]));
  for (int layer = 0; layer < plan.layers(); ++layer) {
    for (int target = 0; target < plan.schedule().scales(); ++target) {
      for (const HeadGroup& group : plan.groups(layer)) {
        add_covered(shares, group, layer, target, by_head);
      }
      covered(layer, target) = head ? by_head.at(static_cast<std::size_t>(*head))
                                    : std::accumulate(by_head.begin(), by_head.end(), 0.0) /
                                          static_cast<double>(by_head.size());
    }
  }
  return covered;
}

}  // namespace kvscope
