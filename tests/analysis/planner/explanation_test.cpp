#include "analysis/planner/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kvscope {
namespace {

ModelConfig tiny_model() {
  ModelConfig config = named_model_config("demo");
  config.depth = 3;
  config.patch_nums = {1, 2, 3, 4};
  return config;
}

// Layer 2 has the lowest statistic in both samples.
LayerStatistics statistics() {
  NdArray<double> per_sample({2, 3});
  per_sample.data = {0.9, 0.8, 0.25, 0.9, 0.7, 0.25};
  return layer_statistics(per_sample);
}

TEST(Explanation, TheLayerTableShowsWhyAndWhat) {
  const Plan plan = make_plan(statistics(), tiny_model(), {});
  // One token takes 3 heads × 64 channels × 2 rows × 4 bytes = 1536 bytes.
  const std::vector<std::string> lines = {
      "layer  statistic    95 % interval  class      stability  keeps                 →0  →1  →2  "
      "→3 "
      " peak bytes",
      "    0     0.9000  0.9000 … 0.9000  efficient    100.0 %  condensed 2, local 1   0   1   5  "
      "14 "
      "      21504",
      "    1     0.7500  0.7000 … 0.8000  efficient    100.0 %  condensed 2, local 1   0   1   5  "
      "14 "
      "      21504",
      "    2     0.2500  0.2500 … 0.2500  demanding    100.0 %  all                    0   1   5  "
      "14 "
      "      21504"};
  std::string expected;
  for (const std::string& line : lines) expected += line + '\n';
  EXPECT_EQ(to_text(layer_table(plan.explanation)), expected);
}

TEST(Explanation, TotalsShowVanillaBesideTheBudget) {
  PlanOptions options;
  options.choice = MostDemanding{1};
  options.efficient.local_scales = 0;
  const Plan plan = make_plan(statistics(), tiny_model(), options);
  // 14 + 2·5 of 42 tokens read, of 90 in all.
  EXPECT_EQ(to_text(total_table(plan.explanation)),
            "         logical peak bytes  of read  of final\n"
            "budget                36864   57.1 %    26.7 %\n"
            "vanilla               64512  100.0 %    46.7 %\n");
}

TEST(Explanation, OneSampleShowsDashes) {
  NdArray<double> per_sample({1, 3});
  per_sample.data = {0.9, 0.8, 0.25};
  const Plan plan = make_plan(layer_statistics(per_sample), tiny_model(), {});
  const Table table = layer_table(plan.explanation);
  EXPECT_EQ(table.rows[0][2], "-");
  EXPECT_EQ(table.rows[0][4], "-");
  EXPECT_EQ(
      legend(plan.explanation),
      "→t: earlier tokens that scale t reads; peak bytes: of each layer's own peak, batch 1, K 2 "
      "B + V 2 B an element");
}

TEST(Explanation, SaysWhatColumnsMeanAndWhereIntervalsComeFrom) {
  LayerStatistics of_samples = statistics();
  of_samples.meaning = "similarity";
  EXPECT_EQ(heading(of_samples), "similarity, 2 samples; 95 % bootstrap intervals");
  EXPECT_THAT(legend(make_plan(of_samples, tiny_model(), {}).explanation),
              ::testing::StartsWith("stability: share of resamples"));

  NdArray<double> sums({1, 3});
  sums.data = {3.6, 3.2, 1.0};
  const std::vector<std::int64_t> four = {4};
  EXPECT_EQ(heading(layer_statistics(sums, four)), ", 4 samples; no intervals from one batch");
  NdArray<double> two({2, 3});
  two.data = {3.6, 3.2, 1.0, 3.6, 3.2, 1.0};
  const std::vector<std::int64_t> fours = {4, 4};
  EXPECT_EQ(heading(layer_statistics(two, fours)),
            ", 8 samples; 95 % bootstrap intervals over 2 batches");
  EXPECT_EQ(heading(layer_statistics(std::vector<double>{1, 2}, LayerDemand::ordered)), "");
}

// Two batches agree easily: "stability 100.0 %" of them must not look like that of a hundred.
TEST(Explanation, DoubtsIntervalsOfFewUnits) {
  const auto of_batches = [](std::int64_t batches) {
    NdArray<double> sums({batches, 3}, 0.5);
    return layer_statistics(sums, std::vector<std::int64_t>(static_cast<std::size_t>(batches), 8));
  };
  EXPECT_EQ(doubt_of(of_batches(2)),
            "intervals and stability come from only 2 batches and say little; capture more, or the "
            "same samples in smaller ones");
  EXPECT_THAT(doubt_of(of_batches(4)), ::testing::HasSubstr("only 4 batches"));
  EXPECT_EQ(doubt_of(of_batches(5)), "");
  EXPECT_EQ(doubt_of(of_batches(1)), "") << "it has no intervals";
  EXPECT_EQ(doubt_of(statistics()),
            "intervals and stability come from only 2 samples and say little; capture more");
  EXPECT_EQ(doubt_of(layer_statistics({1, 2}, LayerDemand::measured)), "");
}

TEST(Explanation, RulesInWords) {
  EXPECT_EQ(describe(KeepAll{}), "all");
  EXPECT_EQ(describe(KeepLocal{2, 1}), "condensed 2, local 1");
  EXPECT_EQ(describe(KeepCapacity{2, 120}), "condensed 2, capacity 120");
}

}  // namespace
}  // namespace kvscope
