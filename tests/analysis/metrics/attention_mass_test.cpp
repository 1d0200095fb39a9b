#include "analysis/metrics/attention_mass.h"

#include <cmath>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"
#include "tests/support/keep_by_heads.h"
#include "tests/support/keep_strongest.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

Budget budget_of(LayerRule rule) {
  Budget budget = vanilla_budget({2, 3, 32, {1, 2, 3, 4}});
  budget.layers[1] = {LayerClass::efficient, rule};
  return budget;
}

/// What a cache hands out whose plan says everything.
KvView planned_view(const RetentionPlan& plan, int layer) {
  KvView view;
  for (const HeadGroup& group : plan.groups(layer)) {
    view.push_back({.heads = group.heads(), .key = {}, .value = {}});
  }
  return view;
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
      sums.add(layer, target, planned_view(plan, layer),
               mass_of(own, plan.groups(layer)[0].read_tokens(target) + own));
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
  EXPECT_EQ(sums.unattributed_rows(), 0);
}

TEST(AttentionMass, IsExactWhereFloat32WouldNotBe) {
  const RetentionPlan plan(budget_of(KeepAll{}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  at::Tensor mass = at::full({2, 3, 1}, 1.0F);
  mass.select(0, 0).fill_(16777216.0F);  // 2^24: adding 1 to it is lost in float32
  sums.add(0, 0, planned_view(plan, 0), {mass});
  EXPECT_EQ(sums.sums()(0, 2, 0, 0), 16777217.0);
  sums.begin(at::kCPU);
  EXPECT_EQ(sums.sums()(0, 2, 0, 0), 0);
}

// Mass booked on the wrong source would go unnoticed.
TEST(AttentionMass, RefusesAnotherNumberOfKeysThanPlanned) {
  const RetentionPlan plan(budget_of(KeepAll{}));
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  EXPECT_THROW(sums.add(0, 1, planned_view(plan, 0), mass_of(4, 4)), Error);
  EXPECT_THROW(sums.add(0, 1, {}, {}), Error);
}

// Lost without it: what odd heads read would be booked on the sources of the even ones.
TEST(AttentionMass, OfHeadGroupsIsThatOfTheirOwnSources) {
  Budget budget = budget_of(KeepAll{});
  budget.layers[1].rule = testing::KeepByHeads{.even = {1, 0}, .odd = {0, 1}};
  const RetentionPlan plan(budget);
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  // Heads 0 and 2 read scale 0 (1 token), head 1 scale 2 (9); all read the target's 16 tokens.
  const std::vector<at::Tensor> mass = {at::full({2, 2, 1 + 16}, 1.0),
                                        at::full({2, 1, 9 + 16}, 1.0)};
  sums.add(1, 3, planned_view(plan, 1), mass);
  const NdArray<double> all = sums.sums();
  const auto row = [&](int head) {
    return std::vector<double>{all(1, head, 3, 0), all(1, head, 3, 1), all(1, head, 3, 2),
                               all(1, head, 3, 3)};
  };
  EXPECT_THAT(row(0), ElementsAre(2, 0, 0, 32));
  EXPECT_THAT(row(1), ElementsAre(0, 0, 18, 32));
  EXPECT_THAT(row(2), ElementsAre(2, 0, 0, 32));
}

// Two groups of the last layer pick 4 and 2 tokens.
Budget picking_budget() {
  Budget budget = budget_of(KeepAll{});
  budget.layers[1].rule = testing::KeepStrongest{2};
  return budget;
}

// Lost without it: a capture under a policy that picks tokens would show mass that nobody measured,
// or none could be made.
TEST(AttentionMass, OfUnknownSourcesIsNaNAndCounted) {
  const RetentionPlan plan(picking_budget());
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  const std::vector<at::Tensor> mass = {at::full({2, 2, 4 + 9}, 1.0), at::full({2, 1, 2 + 9}, 1.0)};
  for (int again = 0; again < 2; ++again) sums.add(1, 2, planned_view(plan, 1), mass);
  sums.add(0, 2, planned_view(plan, 0), mass_of(9, 14));
  const NdArray<double> all = sums.sums();
  for (int head = 0; head < 3; ++head) {
    for (int source = 0; source <= 2; ++source) EXPECT_TRUE(std::isnan(all(1, head, 2, source)));
    EXPECT_EQ(all(1, head, 2, 3), 0) << "behind the target";
    EXPECT_GT(all(0, head, 2, 1), 0) << "another layer knows its sources";
  }
  EXPECT_EQ(sums.unattributed_rows(), 3);
}

// Every row and head may have picked other tokens, and placed them in any order.
TEST(AttentionMass, FollowsThePositionsThatACacheGives) {
  const RetentionPlan plan(picking_budget());
  AttentionMassSums sums(plan, 3);
  sums.begin(at::kCPU);
  KvView view = planned_view(plan, 1);
  // Tokens 0 | 1 … 4 | 5 … 13 are those of scales 0, 1 and 2; the target is scale 1.
  view[0].positions = at::tensor(std::vector<std::int64_t>{1, 0, 2, 3, 4}).view({1, 1, 5});
  view[1].positions = at::tensor(std::vector<std::int64_t>{0, 1, 2, 3, 4, 4, 3, 2, 1, 0,
                                                           // unconditional rows: without mass
                                                           0, 1, 2, 3, 4, 4, 3, 2, 1, 0})
                          .view({4, 1, 5});
  const at::Tensor rising = at::tensor({1.0, 2.0, 4.0, 8.0, 16.0}).view({1, 1, 5});
  sums.add(1, 1, view, {rising.expand({2, 2, 5}), rising.expand({2, 1, 5})});
  const NdArray<double> all = sums.sums();
  EXPECT_EQ(all(1, 0, 1, 0), 2 * 2);
  EXPECT_EQ(all(1, 2, 1, 1), 2 * 29);
  EXPECT_EQ(all(1, 1, 1, 0), 1 + 16);
  EXPECT_EQ(all(1, 1, 1, 1), 30 + 15);
  EXPECT_EQ(sums.unattributed_rows(), 0);
}

}  // namespace
}  // namespace kvscope
