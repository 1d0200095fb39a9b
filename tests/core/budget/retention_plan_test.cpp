#include "core/budget/retention_plan.h"

#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<int> patch_nums_256 = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16};

Budget one_layer(const LayerRule& rule, const std::vector<int>& patch_nums = patch_nums_256) {
  Budget budget;
  budget.policy = ams_kv_policy;
  budget.model = {.depth = 1, .heads = 2, .head_dim = 8, .patch_nums = patch_nums};
  budget.layers = {{.layer_class = LayerClass::efficient, .rule = rule}};
  return budget;
}

std::vector<std::int64_t> read_row(const RetentionPlan& plan) {
  std::vector<std::int64_t> tokens;
  for (int t = 0; t < plan.schedule().scales(); ++t)
    tokens.push_back(plan.groups(0)[0].read_tokens(t));
  return tokens;
}

std::vector<std::int64_t> held_row(const RetentionPlan& plan) {
  std::vector<std::int64_t> tokens;
  for (int s = 0; s < plan.schedule().scales(); ++s)
    tokens.push_back(plan.groups(0)[0].held_tokens(s));
  return tokens;
}

TEST(RetentionPlan, KeepAllReadsEveryEarlierTokenAndDropsTheLastScale) {
  const RetentionPlan plan(one_layer(KeepAll{}));
  EXPECT_THAT(read_row(plan), ElementsAre(0, 1, 5, 14, 30, 55, 91, 155, 255, 424));
  EXPECT_THAT(held_row(plan), ElementsAre(1, 5, 14, 30, 55, 91, 155, 255, 424, 0));
}

TEST(RetentionPlan, CondensedOnlyHoldsFiveTokens) {
  const RetentionPlan plan(one_layer(KeepLocal{.condensed_scales = 2, .local_scales = 0}));
  EXPECT_THAT(read_row(plan), ElementsAre(0, 1, 5, 5, 5, 5, 5, 5, 5, 5));
  EXPECT_THAT(held_row(plan), ElementsAre(1, 5, 5, 5, 5, 5, 5, 5, 5, 0));
}

TEST(RetentionPlan, LocalScalesAddTheMostRecentOnes) {
  const RetentionPlan plan(one_layer(KeepLocal{.condensed_scales = 2, .local_scales = 1}));
  EXPECT_THAT(read_row(plan), ElementsAre(0, 1, 5, 14, 21, 30, 41, 69, 105, 174));
  EXPECT_THAT(held_row(plan), ElementsAre(1, 5, 14, 21, 30, 41, 69, 105, 174, 0));
  EXPECT_THAT(plan.groups(0)[0].source_scales(9), ElementsAre(0, 1, 8));
}

TEST(RetentionPlan, ASlidingWindowNeedsNoCondensedScale) {
  const RetentionPlan plan(one_layer(KeepLocal{.condensed_scales = 0, .local_scales = 1}));
  EXPECT_THAT(read_row(plan), ElementsAre(0, 1, 4, 9, 16, 25, 36, 64, 100, 169));
}

// Room 115 behind the 5 condensed tokens: 9+16+25+36 = 86 fit; 64 pushes out 9 and 16 (25+36+64 =
// 125) and then 25; 100 pushes out 36 and 64; 169 and 256 never fit and evict nothing.
TEST(RetentionPlan, CapacityIsFirstInFirstOutBehindLockedScales) {
  const RetentionPlan plan(one_layer(KeepCapacity{.condensed_scales = 2, .capacity_tokens = 120}));
  EXPECT_THAT(read_row(plan), ElementsAre(0, 1, 5, 14, 30, 55, 91, 105, 105, 105));
  EXPECT_THAT(plan.groups(0)[0].source_scales(6), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(plan.groups(0)[0].source_scales(7), ElementsAre(0, 1, 5, 6));
  EXPECT_THAT(plan.groups(0)[0].source_scales(8), ElementsAre(0, 1, 7));
  EXPECT_THAT(plan.groups(0)[0].source_scales(9), ElementsAre(0, 1, 7));
  EXPECT_THAT(held_row(plan), ElementsAre(1, 5, 14, 30, 55, 91, 105, 105, 105, 0));
}

TEST(RetentionPlan, ACapacityOfJustTheCondensedScalesAdmitsNothing) {
  const RetentionPlan plan(one_layer(KeepCapacity{.condensed_scales = 2, .capacity_tokens = 5}));
  EXPECT_THAT(held_row(plan), ElementsAre(1, 5, 5, 5, 5, 5, 5, 5, 5, 0));
}

TEST(RetentionPlan, RefusesWhatCannotBeKept) {
  try {
    (void)RetentionPlan(one_layer(KeepCapacity{.condensed_scales = 2, .capacity_tokens = 4}));
    FAIL() << "a capacity below the condensed scales was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("at least 5"));
  }
  EXPECT_THROW((void)RetentionPlan(one_layer(KeepLocal{.condensed_scales = 11})), Error);
  Budget short_of_layers = one_layer(KeepAll{});
  short_of_layers.model.depth = 2;
  EXPECT_THROW((void)RetentionPlan(short_of_layers), Error);
}

TEST(RetentionPlan, EveryLayerIsOneHeadGroup) {
  const RetentionPlan plan(one_layer(KeepAll{}));
  ASSERT_EQ(plan.groups(0).size(), 1U);
  EXPECT_EQ(plan.groups(0)[0].heads(), HeadSet::all(2));
  EXPECT_TRUE(plan.has_source_scales(0));
}

// The oracle plays a generation token by token: a cache of (scale, token) pairs that is asked,
// updated and then replayed to see which tokens a later target still wanted.
struct Simulation {
  std::vector<std::set<int>> sources;
  std::vector<std::int64_t> held;
};

Simulation simulate(const LayerRule& rule, const std::vector<int>& sides) {
  const int scales = static_cast<int>(sides.size());
  const auto tokens = [&](int scale) {
    return std::int64_t{1} * sides[static_cast<std::size_t>(scale)] *
           sides[static_cast<std::size_t>(scale)];
  };
  Simulation simulation;
  std::vector<int> arrivals;  // scales behind the condensed ones, oldest first
  for (int target = 0; target < scales; ++target) {
    std::set<int> read;
    for (int source = 0; source < target; ++source) {
      bool keep = true;
      if (const auto* local = rule.as<KeepLocal>()) {
        keep = source < local->condensed_scales || target - source <= local->local_scales;
      } else if (const auto* capacity = rule.as<KeepCapacity>()) {
        keep = source < capacity->condensed_scales ||
               std::find(arrivals.begin(), arrivals.end(), source) != arrivals.end();
      }
      if (keep) read.insert(source);
    }
    simulation.sources.push_back(read);
    const auto* capacity = rule.as<KeepCapacity>();
    if (capacity == nullptr || target < capacity->condensed_scales) continue;
    std::int64_t room = capacity->capacity_tokens;
    for (int scale = 0; scale < capacity->condensed_scales; ++scale) room -= tokens(scale);
    if (tokens(target) > room) continue;
    arrivals.push_back(target);
    const auto used = [&] {
      std::int64_t sum = 0;
      for (const int scale : arrivals) sum += tokens(scale);
      return sum;
    };
    while (used() > room) arrivals.erase(arrivals.begin());
  }
  for (int scale = 0; scale < scales; ++scale) {
    std::set<int> wanted;
    for (int target = scale + 1; target < scales; ++target) {
      for (const int source : simulation.sources[static_cast<std::size_t>(target)]) {
        if (source <= scale) wanted.insert(source);
      }
    }
    std::int64_t sum = 0;
    for (const int source : wanted) sum += tokens(source);
    simulation.held.push_back(sum);
  }
  return simulation;
}

TEST(RetentionPlan, AgreesWithASimulatedCacheOnRandomBudgets) {
  std::mt19937 random(1);
  const auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> sides = {between(1, 2)};
    const int scales = between(2, 10);
    while (static_cast<int>(sides.size()) < scales) sides.push_back(sides.back() + between(0, 4));
    const ScaleSchedule schedule(sides);
    const int condensed = between(0, scales);
    const std::int64_t floor = schedule.begin(condensed);
    LayerRule rule = KeepAll{};
    if (round % 3 == 1) rule = KeepLocal{condensed, between(0, scales)};
    if (round % 3 == 2) {
      rule = KeepCapacity{condensed, floor + between(0, static_cast<int>(schedule.total_tokens()))};
    }
    const RetentionPlan plan(one_layer(rule, sides));
    const Simulation expected = simulate(rule, sides);
    for (int scale = 0; scale < scales; ++scale) {
      const std::set<int>& sources = expected.sources[static_cast<std::size_t>(scale)];
      ASSERT_EQ(plan.groups(0)[0].source_scales(scale),
                std::vector<int>(sources.begin(), sources.end()))
          << "round " << round << ", target " << scale;
      ASSERT_EQ(plan.groups(0)[0].held_tokens(scale),
                expected.held[static_cast<std::size_t>(scale)])
          << "round " << round << ", scale " << scale;
      if (const auto* capacity = rule.as<KeepCapacity>()) {
        ASSERT_LE(plan.groups(0)[0].read_tokens(scale), capacity->capacity_tokens);
      }
    }
  }
}

}  // namespace
}  // namespace kvscope
