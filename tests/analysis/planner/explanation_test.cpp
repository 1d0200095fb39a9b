#include "analysis/planner/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

ModelConfig tiny_model() {
  ModelConfig config = named_model_config("demo");
  config.depth = 3;
  config.patch_nums = {1, 2, 3, 4};
  return config;
}

// Layer 2 has the lowest statistic in both samples.
LayerStatisticValues statistics() {
  NdArray<double> per_sample({2, 3});
  per_sample.data = {0.9, 0.8, 0.25, 0.9, 0.7, 0.25};
  return layer_statistic_values(per_sample);
}

TEST(Explanation, TheLayerTableShowsWhyAndWhat) {
  const Plan plan = make_plan(statistics(), tiny_model(), {});
  // One token takes 3 heads × 64 channels × 2 rows × 4 bytes = 1536 bytes.
  const std::vector<std::string> lines = {
      "layer  statistic    95 % interval  class      stability  keeps                 tokens  →0  "
      "→1  "
      "→2  →3       peak",
      "    0     0.9000  0.9000 … 0.9000  efficient    100.0 %  condensed 2, local 1      14   0   "
      "1  "
      " 5  14  21.00 KiB",
      "    1     0.7500  0.7000 … 0.8000  efficient    100.0 %  condensed 2, local 1      14   0   "
      "1  "
      " 5  14  21.00 KiB",
      "    2     0.2500  0.2500 … 0.2500  demanding    100.0 %  all                       14   0   "
      "1  "
      " 5  14  21.00 KiB"};
  std::string expected;
  for (const std::string& line : lines) expected += line + '\n';
  constexpr int wide = 200;
  EXPECT_EQ(to_text(layer_table(plan.explanation), wide), expected);
}

TEST(Explanation, TotalsShowVanillaBesideTheBudget) {
  PlanOptions options;
  options.choice = MostDemanding{1};
  options.efficient.local_scales = 0;
  const Plan plan = make_plan(statistics(), tiny_model(), options);
  // 14 + 2·5 of 42 tokens read, of 90 in all; a run needs room for the last target besides, 14
  // + 16.
  EXPECT_EQ(to_text(total_table(plan.explanation)),
            "         logical peak  of read  of final  resident in a run\n"
            "budget      36.00 KiB   57.1 %    26.7 %          81.00 KiB\n"
            "vanilla     63.00 KiB  100.0 %    46.7 %          135.0 KiB\n");
}

TEST(Explanation, OneSampleShowsDashes) {
  NdArray<double> per_sample({1, 3});
  per_sample.data = {0.9, 0.8, 0.25};
  const Plan plan = make_plan(layer_statistic_values(per_sample), tiny_model(), {});
  const Table table = layer_table(plan.explanation);
  EXPECT_EQ(table.rows[0][2], "-");
  EXPECT_EQ(table.rows[0][4], "-");
  EXPECT_EQ(
      legend(plan.explanation),
      "tokens: most earlier tokens that the layer holds at a time; →t: earlier tokens that scale t "
      "reads; peak: bytes of each layer's own peak, batch 1, K 2 B + V 2 B an element");
}

TEST(Explanation, SaysWhatColumnsMeanAndWhereIntervalsComeFrom) {
  LayerStatisticValues of_samples = statistics();
  of_samples.meaning = "similarity";
  EXPECT_EQ(heading(of_samples),
            "similarity, 2 samples; 95 % bootstrap intervals; low is demanding");
  EXPECT_THAT(legend(make_plan(of_samples, tiny_model(), {}).explanation),
              ::testing::StartsWith("stability: share of resamples"));

  NdArray<double> sums({1, 3});
  sums.data = {3.6, 3.2, 1.0};
  const std::vector<std::int64_t> four = {4};
  EXPECT_EQ(heading(layer_statistic_values(sums, four)),
            ", 4 samples; no intervals from one batch; low is demanding");
  NdArray<double> two({2, 3});
  two.data = {3.6, 3.2, 1.0, 3.6, 3.2, 1.0};
  const std::vector<std::int64_t> fours = {4, 4};
  EXPECT_EQ(heading(layer_statistic_values(two, fours)),
            ", 8 samples; 95 % bootstrap intervals over 2 batches; low is demanding");
  EXPECT_EQ(heading(layer_statistic_values(std::vector<double>{1, 2}, LayerDemand::ordered)),
            "; low is demanding");
}

// Two batches agree easily: "stability 100.0 %" of them must not look like that of a hundred.
TEST(Explanation, DoubtsIntervalsOfFewUnits) {
  const auto of_batches = [](std::int64_t batches) {
    NdArray<double> sums({batches, 3}, 0.5);
    return layer_statistic_values(sums,
                                  std::vector<std::int64_t>(static_cast<std::size_t>(batches), 8));
  };
  EXPECT_EQ(doubt_of(of_batches(2)),
            "intervals and stability come from only 2 batches and say little; capture more, or the "
            "same samples in smaller ones");
  EXPECT_THAT(doubt_of(of_batches(4)), ::testing::HasSubstr("only 4 batches"));
  EXPECT_EQ(doubt_of(of_batches(5)), "");
  EXPECT_EQ(doubt_of(of_batches(1)), "") << "it has no intervals";
  EXPECT_EQ(doubt_of(statistics()),
            "intervals and stability come from only 2 samples and say little; capture more");
  EXPECT_EQ(doubt_of(layer_statistic_values({1, 2}, LayerDemand::measured)), "");
}

// A capacity is filled with whole scales: the number asked for is not what is kept.
TEST(Explanation, SaysHowManyTokensACapacityKeeps) {
  PlanOptions options;
  options.choice = MostDemanding{0};
  options.efficient.capacity_tokens = 13;
  const PlanExplanation explanation = make_plan(statistics(), tiny_model(), options).explanation;
  const Table table = layer_table(explanation);
  ASSERT_EQ(table.columns[6], "tokens");
  EXPECT_EQ(table.rows[0][5], "condensed 2, capacity 13");
  EXPECT_EQ(table.rows[0][6], "5");
}

// Attention and damage grow with demand; nobody expects a share below 0.
TEST(Explanation, ShowsMeasuresThatGrowWithDemandAsTheyAre) {
  NdArray<double> per_sample({2, 3});
  per_sample.data = {-0.1, -0.2, -0.75, -0.3, -0.2, -0.75};
  LayerStatisticValues shares = layer_statistic_values(per_sample);
  shares.negated = true;
  shares.meaning = "share";
  EXPECT_THAT(heading(shares), ::testing::EndsWith("; high is demanding"));
  PlanOptions options;
  options.choice = MostDemanding{1};
  const Plan plan = make_plan(shares, tiny_model(), options);
  const Table table = layer_table(plan.explanation);
  EXPECT_EQ(table.rows[0][1], "0.2000");
  EXPECT_EQ(table.rows[0][2], "0.1000 … 0.3000");
  EXPECT_EQ(table.rows[2][3], "demanding");
  EXPECT_NEAR(*plan.explanation.theta, 0.475, 1e-12);
  EXPECT_EQ(*plan.budget.rule->theta, -*plan.explanation.theta) << "a budget has it as held";
}

TEST(Explanation, SaysWhatALimitLeaves) {
  PlanOptions options;
  // 42 tokens; one layer keeps 14, the others 5 each: 24, and no capacity between 5 and 14 helps.
  options.choice = WithinRatio{0.9, Denominator::read};
  const auto room = [&] {
    return room_left(make_plan(statistics(), tiny_model(), options).explanation);
  };
  EXPECT_EQ(room(), "asked 0.9 of read, got 0.7857; --fill would get no more");
  options.choice = WithinRatio{0.7, Denominator::read};
  EXPECT_EQ(room(), "asked 0.7 of read, got 0.5714; --fill would get no more");
  options.choice = WithinRatio{0.9, Denominator::read};
  options.whole_scales = true;
  EXPECT_EQ(room(), "asked 0.9 of read, got 0.7857");
  options.choice = WithinRatio{1, Denominator::read};
  EXPECT_EQ(room(), "");
  options.choice = MostDemanding{1};
  options.whole_scales = false;
  EXPECT_EQ(room(), "");
  // 14 + 2·5 cached tokens and 30 of the last target.
  options.choice = WithinBytes{90000};
  EXPECT_EQ(room(), "asked 87.89 KiB resident, got 81.00 KiB; --fill would get no more");
}

TEST(Explanation, RulesInWords) {
  EXPECT_EQ(LayerRule(KeepAll{}).in_words(), "all");
  EXPECT_EQ(LayerRule(KeepLocal{2, 1}).in_words(), "condensed 2, local 1");
  EXPECT_EQ(LayerRule(KeepCapacity{2, 120}).in_words(), "condensed 2, capacity 120");
}

}  // namespace
}  // namespace kvscope
