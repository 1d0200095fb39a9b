#include "analysis/metrics/attention_mass.h"

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

Budget budget_of(LayerRule rule) {
  Budget budget = vanilla_budget({2, 3, 32, {1, 2, 3, 4}});
  budget.layers[1] = {LayerClass::efficient, rule};
  return budget;
}

/// Mass of `queries` queries over `keys` keys, one group: [2, 3, keys], each (row, head) summing to
/// `queries`.
std::vector<at::Tensor> mass_of(std::int64_t queries, std::int64_t keys) {
  return {at::softmax(at::randn({2, 3, queries, keys}), -1).sum(2)};
}

// Density and the "where does attention go" figure are these sums: each target's row is its
// queries.
TEST(AttentionMass, OfATargetSumsToItsTokensAndSkipsEvictedSources) {
  const RetentionPlan plan(budget_of(KeepLocal{1, 1}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  for (int target = 0; target < 4; ++target) {
    for (int layer = 0; layer < 2; ++layer) {
      const std::int64_t own = plan.schedule().tokens(target);
      sums.add(layer, target, mass_of(own, plan.groups(layer)[0].read_tokens(target) + own));
    }
  }
  const NdArray<double> all = sums.sums();
  for (int layer = 0; layer < 2; ++layer) {
    for (int head = 0; head < 3; ++head) {
      for (int target = 0; target < 4; ++target) {
        double row = 0;
        for (int source = 0; source < 4; ++source) row += all(layer, head, target, source);
        // Two samples; float32 softmax.
        EXPECT_NEAR(row, 2.0 * static_cast<double>(plan.schedule().tokens(target)), 1e-5);
      }
    }
  }
  EXPECT_EQ(all(0, 0, 1, 2), 0);
  EXPECT_GT(all(0, 0, 3, 1), 0);
  EXPECT_EQ(all(1, 0, 3, 1), 0) << "evicted: condensed 0, local 2";
  EXPECT_GT(all(1, 0, 3, 2), 0);
}

TEST(AttentionMass, IsExactWhereFloat32WouldNotBe) {
  const RetentionPlan plan(budget_of(KeepAll{}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  at::Tensor mass = at::full({2, 3, 1}, 1.0F);
  mass.select(0, 0).fill_(16777216.0F);  // 2^24: adding 1 to it is lost in float32
  sums.add(0, 0, {mass});
  EXPECT_EQ(sums.sums()(0, 2, 0, 0), 16777217.0);
  sums.begin(at::kCPU);
  EXPECT_EQ(sums.sums()(0, 2, 0, 0), 0);
}

// Work that a graph replays gives what it gave once, in the buffer that the graph knows.
TEST(AttentionMass, GivenTwiceIsThatOfOnePass) {
  const RetentionPlan plan(budget_of(KeepAll{}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  const auto mass = mass_of(4, 5);
  sums.add(1, 1, mass);
  const NdArray<double> once = sums.sums();
  sums.add(1, 1, mass);
  EXPECT_EQ(sums.sums(), once);
}

// Mass booked on the wrong source would go unnoticed.
TEST(AttentionMass, RefusesAnotherNumberOfKeysThanPlanned) {
  const RetentionPlan plan(budget_of(KeepAll{}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  EXPECT_THROW(sums.add(0, 1, mass_of(4, 4)), Error);
}

}  // namespace
}  // namespace kvscope
