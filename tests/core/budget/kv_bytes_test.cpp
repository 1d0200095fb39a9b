#include "core/budget/kv_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

// One image at d30: 30 heads of 64 channels, a conditional and an unconditional row, fp16.
const KvShape d30_shape = {
    .heads = 30, .head_dim = 64, .rows = 2, .key_element_bytes = 2, .value_element_bytes = 2};

Budget d30_budget(int demanding) {
  Budget budget = vanilla_budget(budget_model_of(named_model_config("d30")));
  budget.policy = ams_kv_policy;
  for (int layer = demanding; layer < 30; ++layer) {
    budget.layers[static_cast<std::size_t>(layer)] = {
        .layer_class = LayerClass::efficient,
        .rule = KeepLocal{.condensed_scales = 2, .local_scales = 0}};
  }
  return budget;
}

double fraction(const Budget& budget, Denominator denominator) {
  const RetentionPlan plan(budget);
  return static_cast<double>(logical_peak_bytes(plan, d30_shape)) /
         static_cast<double>(denominator_bytes(denominator, plan.schedule(), 30, d30_shape));
}

TEST(KvBytes, TheOfficialCodeEndsWith470016000BytesAnImage) {
  KvShape official = d30_shape;
  official.key_element_bytes = 4;  // autocast: the l2-norm leaves K in fp32
  const ScaleSchedule schedule = named_model_config("d30").schedule();
  EXPECT_EQ(denominator_bytes(Denominator::final, schedule, 30, official), 470016000);
}

TEST(KvBytes, SevenDemandingLayersOfD30SaveWhatThePaperSetsAsHeadline) {
  // Percentages to one decimal, as they are quoted.
  EXPECT_NEAR(100 * (fraction(d30_budget(7), Denominator::read) - 1), -75.8, 0.05);
  EXPECT_NEAR(100 * (fraction(d30_budget(7), Denominator::final) - 1), -84.9, 0.05);
  EXPECT_EQ(fraction(d30_budget(30), Denominator::read), 1.0);
  EXPECT_NEAR(100 * (fraction(d30_budget(30), Denominator::final) - 1), -37.6, 0.05);
}

TEST(KvBytes, VanillaIsItsOwnReadDenominatorAt512Too) {
  const ModelConfig config = named_model_config("d36-512");
  const RetentionPlan plan(vanilla_budget(budget_model_of(config)));
  const KvShape shape = {
      .heads = 36, .head_dim = 64, .rows = 2, .key_element_bytes = 2, .value_element_bytes = 2};
  EXPECT_EQ(logical_peak_bytes(plan, shape), 36 * shape.bytes(1216));
  EXPECT_EQ(logical_peak_bytes(plan, shape),
            denominator_bytes(Denominator::read, config.schedule(), 36, shape));
  EXPECT_EQ(denominator_bytes(Denominator::final, config.schedule(), 36, shape),
            36 * shape.bytes(2240));
}

// Whoever asked for other images at a time or element sizes is told of those.
TEST(KvBytes, ABudgetIsCountedAsItStates) {
  Budget budget = d30_budget(7);
  EXPECT_EQ(expectation_of(budget), expectation_of(budget, 1, 2, 2));
  budget.expected = BudgetExpectation{.batch = 3, .key_element_bytes = 4};
  EXPECT_EQ(expectation_of(budget), expectation_of(budget, 3, 4, 2));
  EXPECT_EQ(kv_shape(budget).bytes(1), kv_shape(budget.model, 3, 4, 2).bytes(1));
}

// The rows of docs/results.md: 30 layers of 680 tokens, or what 7 keep and 23 keep, and one target.
TEST(KvBytes, ResidentIsWhatTheBuffersOfARunTake) {
  const Budget vanilla = vanilla_budget(budget_model_of(named_model_config("d30")));
  EXPECT_EQ(resident_bytes(vanilla, d30_shape), d30_shape.bytes(30 * 680));
  EXPECT_EQ(resident_bytes(d30_budget(7), d30_shape), d30_shape.bytes(7 * 424 + 23 * 5 + 680));
  // A policy that asks for the plan runs planned, though it keeps all.
  EXPECT_EQ(resident_bytes(d30_budget(30), d30_shape), d30_shape.bytes(30 * 424 + 680));
  EXPECT_EQ(expectation_of(d30_budget(7), 1, 2, 2).resident_peak_bytes,
            resident_bytes(d30_budget(7), d30_shape));
}

TEST(KvBytes, ThePeakIsOfTheSumNotTheSumOfPeaks) {
  // A sliding window of one scale peaks at the last scale but one; a capacity of 41 peaks after
  // scale 4 (sides 4 and 5), where the window holds little.
  Budget budget;
  budget.model = {
      .depth = 2, .heads = 1, .head_dim = 1, .patch_nums = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16}};
  budget.layers = {{.layer_class = LayerClass::efficient, .rule = KeepCapacity{0, 41}},
                   {.layer_class = LayerClass::efficient, .rule = KeepLocal{0, 1}}};
  const KvShape shape = {
      .heads = 1, .head_dim = 1, .rows = 1, .key_element_bytes = 1, .value_element_bytes = 1};
  const RetentionPlan plan(budget);
  // Capacity: 1, 5, 14, 30, 41 (16+25), then only side 6 (36) fits and nothing after it.
  EXPECT_THAT(held_bytes_by_scale(plan, shape),
              ElementsAre(2 * (1 + 1), 2 * (5 + 4), 2 * (14 + 9), 2 * (30 + 16), 2 * (41 + 25),
                          2 * (36 + 36), 2 * (36 + 64), 2 * (36 + 100), 2 * (36 + 169), 0));
  EXPECT_EQ(logical_peak_bytes(plan, shape), 2 * (36 + 169));
  EXPECT_EQ(held_bytes(plan, shape, 0, 4), 2 * 41);
}

}  // namespace
}  // namespace kvscope
