#include "core/budget/budget_doubts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Layers 0 and 1 keep all 14 tokens that are read, the others 5.
Budget planned() {
  Budget budget;
  budget.policy = ams_kv_policy;
  budget.model = {.depth = 4, .heads = 2, .head_dim = 64, .patch_nums = {1, 2, 3, 4}};
  budget.layers.assign(4, {LayerClass::efficient, KeepCapacity{2, 13}});
  budget.layers[0] = budget.layers[1] = {LayerClass::demanding, KeepAll{}};
  budget.expected = expectation_of(budget, 4, 2, 2);
  return budget;
}

TEST(BudgetDoubts, APlannedBudgetHasNone) {
  Budget budget = planned();
  EXPECT_THAT(doubts_of(budget), IsEmpty());
  EXPECT_THAT(doubts_of(vanilla_budget(budget.model)), IsEmpty());
  // What `plan --demanding capacity_tokens=` gives.
  budget.expected.reset();
  budget.layers[0].rule = budget.layers[1].rule = KeepCapacity{2, 14};
  EXPECT_THAT(doubts_of(budget), IsEmpty());
}

// Someone who edits only the class expects other tokens to be kept, and would measure the old ones.
TEST(BudgetDoubts, NamesLayersWhoseClassAloneWasEdited) {
  Budget budget = planned();
  budget.layers[1].layer_class = LayerClass::efficient;
  budget.layers[3].layer_class = LayerClass::demanding;
  EXPECT_THAT(layers_of_another_class(budget), ElementsAre(1, 3));
  EXPECT_THAT(
      doubts_of(budget),
      ElementsAre("class and rule disagree in layer 1 (efficient, but keeps 14 of 14 tokens), "
                  "layer 3 (demanding, but keeps 5 of 14 tokens): only the rule decides what "
                  "a layer keeps"));

  budget = planned();
  budget.layers[0] = budget.layers[1] = budget.layers[2];
  budget.layers[0].layer_class = LayerClass::demanding;
  EXPECT_THAT(layers_of_another_class(budget), ElementsAre(0)) << "no more than the efficient ones";

  budget = planned();
  for (LayerBudget& layer : budget.layers) layer = {LayerClass::efficient, KeepAll{}};
  EXPECT_THAT(doubts_of(budget).back(), HasSubstr(" and 1 more: "));
}

TEST(BudgetDoubts, NamesAnExpectationThatAnEditLeftBehind) {
  Budget budget = planned();
  EXPECT_TRUE(expectation_holds(budget));
  budget.layers[0] = budget.layers[2];
  EXPECT_FALSE(expectation_holds(budget));
  EXPECT_THAT(doubts_of(budget), ElementsAre(AllOf(HasSubstr("expected.logical_peak_bytes is "),
                                                   HasSubstr("they decide"))));
  budget = planned();
  budget.expected->resident_peak_bytes = 7;
  EXPECT_THAT(doubts_of(budget), ElementsAre(HasSubstr("expected.resident_peak_bytes is 7")));
  budget.expected->resident_peak_bytes.reset();
  EXPECT_THAT(doubts_of(budget), IsEmpty()) << "older files lack it";
}

// Planned for a batch of 4 in fp16: twice the batch or fp32 takes twice the memory.
TEST(BudgetDoubts, NamesARunThatExceedsThePlannedMemory) {
  Budget budget = planned();
  const KvShape planned_for = kv_shape(budget.model, 4, 2, 2);
  EXPECT_EQ(memory_doubt(budget, kv_shape(budget.model, 400, 4, 4)), "") << "nobody asked";
  budget.rule = BudgetOrigin{};
  budget.rule->kv_memory_bytes = resident_bytes(budget, planned_for);
  EXPECT_EQ(memory_doubt(budget, planned_for), "");
  EXPECT_EQ(memory_doubt(budget, kv_shape(budget.model, 3, 2, 2)), "");
  EXPECT_THAT(memory_doubt(budget, kv_shape(budget.model, 8, 2, 2)),
              AllOf(HasSubstr("batch 8, K 2 B + V 2 B"), HasSubstr("the plan was for batch 4")));
  EXPECT_THAT(memory_doubt(budget, kv_shape(budget.model, 4, 4, 4)), HasSubstr("K 4 B + V 4 B"));
}

// A budget from before resident bytes were predicted keeps its limit of logical bytes, which the
// buffers of the very run that it was planned for exceed.
TEST(BudgetDoubts, ReadsNoLimitOfLogicalBytesAsOneOfBuffers) {
  Budget budget = planned();
  const KvShape planned_for = kv_shape(budget.model, 4, 2, 2);
  budget.rule = BudgetOrigin{};
  budget.rule->kv_memory_bytes = budget.expected->logical_peak_bytes;
  ASSERT_GT(resident_bytes(budget, planned_for), *budget.rule->kv_memory_bytes);
  budget.expected->resident_peak_bytes.reset();
  EXPECT_EQ(memory_doubt(budget, planned_for), "");
  budget.expected.reset();
  EXPECT_EQ(memory_doubt(budget, planned_for), "") << "nor where nothing is stated";
}

}  // namespace
}  // namespace kvscope
