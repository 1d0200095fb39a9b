#include "analysis/planner/solver.h"

#include <numeric>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/policies/keep_local.h"
#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

BudgetModel random_model(std::mt19937& random) {
  const auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  BudgetModel model = {.depth = between(1, 6), .heads = 2, .head_dim = 4, .patch_nums = {1}};
  const int scales = between(2, 7);
  while (static_cast<int>(model.patch_nums.size()) < scales) {
    model.patch_nums.push_back(model.patch_nums.back() + between(0, 2));
  }
  return model;
}

const KvShape shape = {
    .heads = 2, .head_dim = 4, .rows = 2, .key_element_bytes = 4, .value_element_bytes = 2};

// What bisection stands on: at no scale do the bytes fall when the capacity grows.
TEST(Solver, BytesNeverFallWhenTheCapacityGrows) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    BudgetModel model = random_model(random);
    model.depth = 1;
    const ScaleSchedule schedule(model.patch_nums);
    const int condensed = static_cast<int>(random() % 3) % schedule.scales();
    std::vector<std::int64_t> before(model.patch_nums.size(), 0);
    std::int64_t buffers_before = 0;
    for (std::int64_t tokens = schedule.begin(condensed); tokens <= schedule.total_tokens();
         ++tokens) {
      const std::vector<LayerClass> classes = {LayerClass::efficient};
      const Budget budget =
          budget_of_classes(model, classes, KeepAll{}, KeepCapacity{condensed, tokens});
      const RetentionPlan plan(budget);
      const std::vector<std::int64_t> held = held_bytes_by_scale(plan, shape);
      for (std::size_t scale = 0; scale < held.size(); ++scale) {
        ASSERT_GE(held[scale], before[scale]) << "capacity " << tokens << ", scale " << scale;
      }
      before = held;
      const std::int64_t buffers = resident_bytes(budget, shape);
      ASSERT_GE(buffers, buffers_before) << "capacity " << tokens;
      buffers_before = buffers;
    }
  }
}

TEST(Solver, FindsTheLargestCountAndCapacityOfAFullSearch) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const KvBytes of = round < 100 ? KvBytes::logical : KvBytes::resident;
    const BudgetModel model = random_model(random);
    const ScaleSchedule schedule(model.patch_nums);
    const int condensed = static_cast<int>(random() % 2);
    const LayerRule floor = KeepLocal{condensed, 0};
    // Every other limit is one that some budget meets to the byte.
    std::int64_t limit = peak_of_counts(
        model, static_cast<int>(random() % static_cast<unsigned>(model.depth)), KeepAll{},
        KeepCapacity{condensed, static_cast<std::int64_t>(1 + random() % 60)}, shape, of);
    if (round % 2 == 1) limit = static_cast<std::int64_t>(random() % (2 * limit));

    int expected_count = -1;
    for (int count = 0; count <= model.depth; ++count) {
      if (peak_of_counts(model, count, KeepAll{}, floor, shape, of) <= limit)
        expected_count = count;
    }
    const int count = most_demanding_within(model, KeepAll{}, floor, shape, {limit, of});
    ASSERT_EQ(count, expected_count);
    if (count < 0) continue;

    std::int64_t expected_tokens = 0;
    const std::int64_t largest =
        std::max(schedule.begin(condensed), schedule.begin(schedule.last_scale()));
    for (std::int64_t tokens = schedule.begin(condensed); tokens <= largest; ++tokens) {
      const KeepCapacity rule = {condensed, tokens};
      if (peak_of_counts(model, count, KeepAll{}, rule, shape, of) <= limit)
        expected_tokens = tokens;
    }
    EXPECT_EQ(largest_capacity_within(model, count, KeepAll{}, condensed, shape, {limit, of}),
              (KeepCapacity{condensed, expected_tokens}));
  }
}

TEST(Solver, FillingLeavesNoStepThatFits) {
  std::mt19937 random(4);
  for (int round = 0; round < 120; ++round) {
    const KvBytes of = round < 60 ? KvBytes::logical : KvBytes::resident;
    const BudgetModel model = random_model(random);
    const ScaleSchedule schedule(model.patch_nums);
    const std::vector<LayerClass> classes(static_cast<std::size_t>(model.depth),
                                          LayerClass::efficient);
    Budget budget = budget_of_classes(model, classes, KeepAll{}, KeepCapacity{1, 1});
    const std::int64_t start = peak_bytes(budget, shape, of);
    const std::int64_t all = std::max(start, peak_bytes(vanilla_budget(model), shape, of));
    const std::int64_t limit = start + (all - start) * (round % 10) / 10;
    std::vector<std::size_t> order(classes.size());
    std::iota(order.rbegin(), order.rend(), std::size_t{0});
    fill_capacities(budget, order, shape, {limit, of});
    ASSERT_LE(peak_bytes(budget, shape, of), limit);
    for (std::size_t layer = 0; layer < classes.size(); ++layer) {
      const std::int64_t held = peak_bytes(budget, shape, of);
      Budget more = budget;
      KeepCapacity rule = *more.layers[layer].rule.as<KeepCapacity>();
      // With the least capacity that adds bytes at the peak, the limit is broken.
      while (++rule.capacity_tokens <= schedule.total_tokens()) {
        more.layers[layer].rule = rule;
        const std::int64_t raised = peak_bytes(more, shape, of);
        if (raised == held) continue;
        EXPECT_GT(raised, limit) << "round " << round << ", layer " << layer;
        break;
      }
    }
  }
}

TEST(Solver, ARatioThatWasPrintedIsReachableAgain) {
  for (std::int64_t denominator : {std::int64_t{12720}, std::int64_t{293068800}}) {
    for (std::int64_t bytes = 1; bytes < denominator; bytes += denominator / 97) {
      const double ratio = static_cast<double>(bytes) / static_cast<double>(denominator);
      ASSERT_EQ(bytes_within_ratio(ratio, denominator), bytes);
    }
  }
}

}  // namespace
}  // namespace kvscope
