#include "analysis/report/plan_options.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "analysis/layers/control_statistic.h"
#include "analysis/planner/planner.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using testing::example_model;
using testing::ExampleSize;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Plans for a model of 6 layers and 89 tokens, whose first layers have the lowest statistic.
class PlanOptionsTest : public ::testing::Test {
 protected:
  PlanOptionsTest() { statistics_.name = "distant-mass"; }

  std::string options_of(const PlanOptions& options) const {
    return plan_options_of(make_plan(statistics_, model_, options).budget);
  }

  ModelConfig model_ = example_model(ExampleSize{6, {1, 2, 3, 4, 6, 8}, 5, 2, 3});
  LayerStatisticValues statistics_ =
      layer_statistic_values({-0.6, -0.5, -0.2, -0.2, -0.1, 0}, LayerDemand::measured);
};

TEST_F(PlanOptionsTest, NamesEveryChoice) {
  EXPECT_EQ(options_of({}),
            "--statistic distant-mass --efficient condensed=2,local=1 --batch 1 --element-bytes 2");
  EXPECT_THAT(options_of({.choice = BelowTheta{-0.25}}), HasSubstr(" --threshold 0.25 "));
  EXPECT_THAT(options_of({.choice = MostDemanding{3}}), HasSubstr(" --demanding-layers 3 "));
  EXPECT_THAT(options_of({.choice = WithinRatio{0.4, Denominator::final}}),
              HasSubstr(" --ratio 0.4 --of final "));
  EXPECT_THAT(options_of({.choice = WithinBytes{19000}, .batch = 2}),
              AllOf(HasSubstr(" --kv-memory 19000B "), HasSubstr(" --batch 2 ")));
}

// The rule does not say what efficient layers were to keep: their own rules do.
TEST_F(PlanOptionsTest, LeadToTheSameBudgetAfterALimit) {
  const Budget solved =
      make_plan(statistics_, model_, {.choice = WithinRatio{0.5, Denominator::read}}).budget;
  const auto& kept = *solved.layers.back().rule.as<KeepCapacity>();
  EXPECT_THAT(plan_options_of(solved),
              HasSubstr(fmt::format("condensed=2,capacity_tokens={}", kept.capacity_tokens)));
  EXPECT_EQ(make_plan(statistics_, model_,
                      {.choice = WithinRatio{0.5, Denominator::read},
                       .efficient = {.capacity_tokens = kept.capacity_tokens}})
                .budget,
            solved);
}

TEST_F(PlanOptionsTest, LeaveWhatFillsToTheLimit) {
  const Budget filled =
      make_plan(statistics_, model_, {.choice = WithinRatio{0.5, Denominator::read}, .fill = true})
          .budget;
  EXPECT_THAT(plan_options_of(filled), HasSubstr(" --efficient condensed=2 --fill "));
}

TEST_F(PlanOptionsTest, NameWhatDemandingLayersKeep) {
  EXPECT_THAT(options_of({.choice = MostDemanding{2}, .demanding = KeepCapacity{2, 40}}),
              HasSubstr(" --demanding capacity_tokens=40 "));
}

TEST_F(PlanOptionsTest, ChooseNothingWhereNoLayerIsDemanding) {
  statistics_ = uniform_layers(6);
  statistics_.name = "uniform";
  EXPECT_THAT(options_of({}), StartsWith("--statistic uniform --efficient "));
}

TEST_F(PlanOptionsTest, AskForTheFileThatDamageIsReadFrom) {
  statistics_.name = "damage";
  EXPECT_THAT(options_of({}), HasSubstr(" --damage RESULTS.json "));
}

TEST_F(PlanOptionsTest, AreUnknownWithoutARuleAndAfterAnEdit) {
  Budget budget = make_plan(statistics_, model_, {}).budget;
  ASSERT_NE(plan_options_of(budget), "");
  Budget edited = budget;
  edited.layers.back().rule = KeepLocal{2, 3};
  EXPECT_EQ(plan_options_of(edited), "");
  Budget older = make_plan(statistics_, model_, {.choice = WithinBytes{19000}}).budget;
  older.expected->resident_peak_bytes.reset();
  EXPECT_EQ(plan_options_of(older), "") << "the option limits other bytes than those";
  budget.rule->choice = "by hand";
  EXPECT_EQ(plan_options_of(budget), "");
  budget.rule.reset();
  EXPECT_EQ(plan_options_of(budget), "");
}

}  // namespace
}  // namespace kvscope
