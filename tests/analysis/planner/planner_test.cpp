#include "analysis/planner/planner.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/layers/control_statistic.h"
#include "analysis/layers/similarity_statistic.h"
#include "analysis/planner/solver.h"
#include "core/base/error.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Layer l of d: distinct statistics, lowest in the last layers, so that order is not index order.
LayerStatisticValues falling_statistics(int layers, int samples = 4) {
  NdArray<double> per_sample({samples, layers});
  for (int sample = 0; sample < samples; ++sample) {
    for (int layer = 0; layer < layers; ++layer) {
      per_sample(sample, layer) = 1.0 - 0.02 * layer + 0.001 * sample;
    }
  }
  return layer_statistic_values(per_sample);
}

std::vector<int> demanding_layers(const Budget& budget) {
  std::vector<int> layers;
  for (std::size_t layer = 0; layer < budget.layers.size(); ++layer) {
    if (budget.layers[layer].layer_class == LayerClass::demanding) {
      layers.push_back(static_cast<int>(layer));
    }
  }
  return layers;
}

std::string error_of(const LayerStatisticValues& statistics, const ModelConfig& config,
                     const PlanOptions& options) {
  try {
    (void)make_plan(statistics, config, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Planner, SevenDemandingLayersOfD30GiveTheHeadline) {
  const ModelConfig config = named_model_config("d30");
  PlanOptions options;
  options.choice = MostDemanding{7};
  options.efficient.local_scales = 0;
  const Plan plan = make_plan(falling_statistics(30), config, options);
  EXPECT_THAT(demanding_layers(plan.budget), ElementsAre(23, 24, 25, 26, 27, 28, 29));
  EXPECT_NEAR(100 * (plan.explanation.ratio_of(Denominator::read) - 1), -75.8, 0.05);
  EXPECT_NEAR(100 * (plan.explanation.ratio_of(Denominator::final) - 1), -84.9, 0.05);
  EXPECT_NEAR(100 * (plan.explanation.vanilla_ratio_of_final() - 1), -37.6, 0.05);
  // (7·424 + 23·5) tokens × 30 heads × 64 channels × 2 rows × 4 bytes.
  EXPECT_EQ(plan.budget.expected->logical_peak_bytes, 3083 * 30 * 64 * 2 * 4);
  EXPECT_EQ(plan.explanation.rows[0].held_peak_bytes, 5 * 30 * 64 * 2 * 4);
  EXPECT_EQ(plan.explanation.rows[29].held_peak_bytes, 424 * 30 * 64 * 2 * 4);
}

TEST(Planner, TheHeadlineRatioSolvesToSevenLayersAgain) {
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 3083.0 / 12720.0, .of = Denominator::read};
  options.whole_scales = true;
  const Plan plan = make_plan(falling_statistics(30), named_model_config("d30"), options);
  EXPECT_EQ(plan.explanation.demanding_layers, 7);
  EXPECT_EQ(plan.budget.layers[0].rule, LayerRule(KeepLocal{2, 0}));
}

TEST(Planner, AFifthOfReadOnTheDemo) {
  // 2·424 + 10·5 = 898 of 5088 tokens fit in 1017; a third layer does not. The 10 others can grow
  // to 14 tokens (scales 0 to 2) each, but not to the 21 that scale 3 takes: capacity 20.
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.2, .of = Denominator::read};
  const Plan plan = make_plan(falling_statistics(12), named_model_config("demo"), options);
  EXPECT_THAT(demanding_layers(plan.budget), ElementsAre(10, 11));
  EXPECT_EQ(plan.budget.layers[0].rule, LayerRule(KeepCapacity{2, 20}));
  EXPECT_THAT(plan.explanation.rows[0].groups[0].read_tokens,
              ElementsAre(0, 1, 5, 14, 14, 14, 14, 14, 14, 14));
  EXPECT_EQ(plan.explanation.logical_peak_bytes, (2 * 424 + 10 * 14) * 3 * 64 * 2 * 4);
}

TEST(Planner, SolvedBudgetsAreMaximal) {
  const ModelConfig config = named_model_config("d16");
  const BudgetModel model = budget_model_of(config);
  for (const Denominator of : {Denominator::read, Denominator::final}) {
    for (double ratio = 0.02; ratio < 0.62; ratio += 0.05) {
      PlanOptions options;
      options.choice = WithinRatio{.ratio = ratio, .of = of};
      const Plan plan = make_plan(falling_statistics(16), config, options);
      const PlanExplanation& explanation = plan.explanation;
      ASSERT_LE(explanation.ratio_of(of), ratio);
      ASSERT_LT(explanation.demanding_layers, 16);
      const std::int64_t limit = explanation.limit->bytes;
      const KvShape& shape = explanation.shape;
      EXPECT_GT(peak_of_counts(model, explanation.demanding_layers + 1, KeepAll{}, KeepLocal{2, 0},
                               shape),
                limit)
          << "one more demanding layer would fit at " << ratio;
      KeepCapacity more = *plan.budget.layers[0].rule.as<KeepCapacity>();
      ++more.capacity_tokens;
      EXPECT_GT(peak_of_counts(model, explanation.demanding_layers, KeepAll{}, more, shape), limit)
          << "one more token would fit at " << ratio;
    }
  }
}

TEST(Planner, TiesGoToTheLowerLayer) {
  NdArray<double> per_sample({2, 12}, 0.5);
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.2, .of = Denominator::read};
  const Plan plan =
      make_plan(layer_statistic_values(per_sample), named_model_config("demo"), options);
  EXPECT_THAT(demanding_layers(plan.budget), ElementsAre(0, 1));
  EXPECT_FALSE(plan.explanation.theta.has_value());
}

TEST(Planner, AGivenEfficientRuleIsKeptUnderALimit) {
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.6, .of = Denominator::read};
  options.efficient.local_scales = 1;
  const Plan plan = make_plan(falling_statistics(12), named_model_config("demo"), options);
  EXPECT_EQ(plan.budget.layers[0].rule, LayerRule(KeepLocal{2, 1}));
  // n·424 + (12−n)·174 ≤ 0.6·5088 gives n = 3.
  EXPECT_EQ(plan.explanation.demanding_layers, 3);
}

TEST(Planner, AnUnreachableRatioNamesTheSmallestReachableOne) {
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.01, .of = Denominator::read};
  const ModelConfig config = named_model_config("demo");
  // 5 of 424 tokens, rounded up.
  EXPECT_EQ(error_of(falling_statistics(12), config, options),
            "[plan] limit: expected at least 0.0118 of read, the smallest reachable ratio (92160 "
            "bytes at batch 1), got 0.01");
  options.choice = WithinRatio{.ratio = 0.0118, .of = Denominator::read};
  EXPECT_EQ(make_plan(falling_statistics(12), config, options).explanation.demanding_layers, 0);
  options.choice = WithinBytes{1000};
  // 12 layers of 5 tokens, and the last target with its own 256 in the shared buffer.
  const std::int64_t smallest = (12 * 5 + 5 + 256) * 3 * 64 * 2 * 4;
  EXPECT_EQ(error_of(falling_statistics(12), config, options),
            "[plan] limit: expected at least 482 KiB (493056 B), what the K and V buffers of the "
            "smallest budget take at batch 1, got 1000 B");
  options.choice = WithinBytes{smallest};
  EXPECT_EQ(make_plan(falling_statistics(12), config, options).explanation.resident_peak_bytes,
            smallest);
}

// A limit is there so that a run does not take more.
TEST(Planner, KvMemoryLimitsWhatARunTakes) {
  const ModelConfig config = named_model_config("d30");
  PlanOptions options;
  options.batch = 256;
  options.choice = WithinBytes{std::int64_t{24} << 30};
  const PlanExplanation explanation =
      make_plan(falling_statistics(30), config, options).explanation;
  EXPECT_LE(explanation.resident_peak_bytes, std::int64_t{24} << 30);
  EXPECT_GT(explanation.resident_peak_bytes, std::int64_t{23} << 30);
  EXPECT_LT(explanation.logical_peak_bytes, explanation.resident_peak_bytes);
}

TEST(Planner, SaysWhatFillingWouldGet) {
  const ModelConfig config = named_model_config("demo");
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.2, .of = Denominator::read};
  const PlanExplanation before = make_plan(falling_statistics(12), config, options).explanation;
  options.fill = true;
  const PlanExplanation after = make_plan(falling_statistics(12), config, options).explanation;
  EXPECT_EQ(before.filled_bytes, after.logical_peak_bytes);
  EXPECT_GT(after.logical_peak_bytes, before.logical_peak_bytes);
  EXPECT_FALSE(after.filled_bytes);
  options = {};
  options.choice = WithinRatio{.ratio = 0.6, .of = Denominator::read};
  options.efficient.local_scales = 1;
  EXPECT_FALSE(make_plan(falling_statistics(12), config, options).explanation.filled_bytes);
}

TEST(Planner, KvMemoryLimitsTheBytesAtTheBatch) {
  const ModelConfig config = named_model_config("d16");
  PlanOptions options;
  options.batch = 8;
  options.key_element_bytes = 4;
  options.choice = WithinBytes{std::int64_t{100} << 20};
  const Plan plan = make_plan(falling_statistics(16), config, options);
  EXPECT_EQ(plan.explanation.shape.rows, 16);
  EXPECT_LE(plan.explanation.logical_peak_bytes, std::int64_t{100} << 20);
  EXPECT_EQ(plan.budget.expected->batch, 8);
  EXPECT_EQ(plan.budget.rule->kv_memory_bytes, std::int64_t{100} << 20);
  const std::int64_t token_bytes = std::int64_t{16} * 64 * 16 * 6;
  const std::int64_t one_more = (plan.explanation.demanding_layers + 1) * 424 +
                                (15 - plan.explanation.demanding_layers) * 5 + 680;
  EXPECT_GT(one_more * token_bytes, std::int64_t{100} << 20);
  options.choice = WithinBytes{std::int64_t{1} << 40};
  EXPECT_EQ(make_plan(falling_statistics(16), config, options).explanation.demanding_layers, 16);
}

TEST(Planner, UniformSolvesOneCapacityForAllLayers) {
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.5, .of = Denominator::read};
  const Plan plan = make_plan(uniform_layers(12), named_model_config("demo"), options);
  EXPECT_EQ(plan.explanation.demanding_layers, 0);
  // Half of 424 is 212 tokens a layer. A room of 200 behind the 5 condensed ones holds sides 6, 8
  // and 10 after scale 7; side 5 joins them at 225, which is too much: capacity 229.
  const KeepCapacity rule = *plan.budget.layers[0].rule.as<KeepCapacity>();
  for (const LayerBudget& layer : plan.budget.layers) EXPECT_EQ(layer.rule, LayerRule(rule));
  EXPECT_LE(plan.explanation.ratio_of(Denominator::read), 0.5);
  EXPECT_EQ(rule, (KeepCapacity{2, 229}));
  EXPECT_EQ(plan.explanation.rows[0].held_peak_bytes, plan.explanation.shape.bytes(205));
  EXPECT_EQ(plan.budget.rule->choice, "ratio");
  EXPECT_EQ(plan.budget.rule->statistic, "uniform");
  EXPECT_TRUE(std::isnan(plan.explanation.rows[0].stability));
}

TEST(Planner, UniformWithoutALimitGivesEveryLayerTheEfficientRule) {
  PlanOptions options;
  const Plan plan = make_plan(uniform_layers(12), named_model_config("demo"), options);
  EXPECT_EQ(plan.budget.rule->choice, "") << "the widest gap decided nothing";
  for (const LayerBudget& layer : plan.budget.layers) {
    EXPECT_EQ(layer, (LayerBudget{LayerClass::efficient, KeepLocal{2, 1}}));
  }
  options.choice = MostDemanding{2};
  EXPECT_THAT(error_of(uniform_layers(12), named_model_config("demo"), options),
              HasSubstr("statistic uniform: expected no choice of layers, got demanding-layers"));
}

TEST(Planner, AnOrderGoesWithALimitOrACount) {
  const ModelConfig config = named_model_config("demo");
  PlanOptions options;
  options.choice = MostDemanding{2};
  const Plan plan = make_plan(last_layers(12), config, options);
  EXPECT_THAT(demanding_layers(plan.budget), ElementsAre(10, 11));
  EXPECT_EQ(plan.budget.rule->statistic, "last");
  EXPECT_FALSE(plan.budget.rule->theta.has_value()) << "a rank is no threshold";
  options.choice = WidestGap{};
  EXPECT_THAT(error_of(first_layers(12), config, options),
              HasSubstr("statistic first: expected a limit or a number of demanding layers"));
  options.choice = BelowTheta{3};
  EXPECT_THAT(error_of(random_layers(12, 0), config, options), HasSubstr("got threshold"));
}

// Cells of a sweep at one ratio are compared with each other: their bytes must be the same. 12
// layers of 256 px at the ratios that results are reported for.
TEST(Planner, FilledBudgetsOfEveryChoiceLandOnTheSameBytes) {
  ModelConfig config = named_model_config("demo");
  config.patch_nums = {1, 2, 3, 4, 5, 6, 8, 10, 13, 16};
  const std::vector<LayerStatisticValues> choices = {falling_statistics(12), uniform_layers(12),
                                                     first_layers(12), last_layers(12),
                                                     random_layers(12, 4)};
  for (const double ratio : {0.4, 0.25, 0.2, 0.15}) {
    for (const LayerStatisticValues& choice : choices) {
      PlanOptions options;
      options.choice = WithinRatio{.ratio = ratio, .of = Denominator::read};
      options.fill = true;
      const Plan plan = make_plan(choice, config, options);
      EXPECT_LE(plan.explanation.ratio_of(Denominator::read), ratio) << choice.name;
      EXPECT_GE(plan.explanation.ratio_of(Denominator::read), 0.98 * ratio)
          << choice.name << " at " << ratio;
      EXPECT_TRUE(plan.budget.rule->fill);
      for (const LayerBudget& layer : plan.budget.layers) {
        EXPECT_EQ(layer.layer_class == LayerClass::demanding, layer.rule == LayerRule(KeepAll{}));
      }
    }
  }
}

TEST(Planner, FillingStartsFromThePlanWithoutIt) {
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.2, .of = Denominator::read};
  const ModelConfig config = named_model_config("demo");
  const Plan before = make_plan(falling_statistics(12), config, options);
  options.fill = true;
  const Plan after = make_plan(falling_statistics(12), config, options);
  for (std::size_t layer = 0; layer < 12; ++layer) {
    EXPECT_EQ(after.explanation.rows[layer].layer_class,
              before.explanation.rows[layer].layer_class);
    EXPECT_GE(after.explanation.rows[layer].held_peak_bytes,
              before.explanation.rows[layer].held_peak_bytes);
  }
  // 988 of 1017 tokens: four steps from 14 to 21 tokens fit, for the next in order of demand.
  for (const std::size_t layer : {9U, 8U, 7U, 6U}) {
    EXPECT_EQ(after.budget.layers[layer].rule, LayerRule(KeepCapacity{2, 21}));
  }
  EXPECT_EQ(after.budget.layers[5].rule, before.budget.layers[5].rule);
  EXPECT_EQ(after.explanation.logical_peak_bytes, after.explanation.shape.bytes(988 + 4 * 7));
}

TEST(Planner, ThresholdAndWidestGapNameTheirTheta) {
  const ModelConfig config = named_model_config("demo");
  PlanOptions options;
  options.choice = BelowTheta{0.85};
  const Plan by_theta = make_plan(falling_statistics(12), config, options);
  EXPECT_EQ(by_theta.budget.rule->theta, 0.85);
  EXPECT_EQ(by_theta.budget.rule->choice, "threshold");
  EXPECT_THAT(demanding_layers(by_theta.budget), ElementsAre(8, 9, 10, 11));

  NdArray<double> split({3, 12}, 0.9);
  for (int sample = 0; sample < 3; ++sample) split(sample, 4) = split(sample, 7) = 0.3;
  const Plan by_gap = make_plan(layer_statistic_values(split), config, {});
  EXPECT_THAT(demanding_layers(by_gap.budget), ElementsAre(4, 7));
  EXPECT_NEAR(*by_gap.budget.rule->theta, 0.6, 1e-12);
  EXPECT_EQ(by_gap.explanation.rows[4].stability, 1);

  EXPECT_THAT(error_of(layer_statistic_values(NdArray<double>({3, 12}, 0.9)), config, {}),
              HasSubstr("expected a gap between layers"));
}

TEST(Planner, DemandingLayersCanHaveACapacityToo) {
  PlanOptions options;
  options.choice = MostDemanding{3};
  options.demanding = KeepCapacity{2, 300};
  const Plan plan = make_plan(falling_statistics(12), named_model_config("demo"), options);
  EXPECT_EQ(plan.budget.layers[11].rule, LayerRule(KeepCapacity{2, 300}));
  options.demanding = KeepCapacity{2, 4};
  EXPECT_THAT(error_of(falling_statistics(12), named_model_config("demo"), options),
              HasSubstr("demanding rule: expected capacity_tokens to be at least 5"));
}

TEST(Planner, RefusesOptionsThatMakeNoSense) {
  const ModelConfig config = named_model_config("demo");
  const LayerStatisticValues statistics = falling_statistics(12);
  const auto with = [&](auto change) {
    PlanOptions options;
    change(options);
    return error_of(statistics, config, options);
  };
  for (const double ratio : {0.0, -1.0, 1.01, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THAT(with([&](PlanOptions& o) { o.choice = WithinRatio{.ratio = ratio}; }),
                HasSubstr("ratio: expected above 0 and at most 1"));
  }
  EXPECT_THAT(with([](PlanOptions& o) { o.batch = 0; }), HasSubstr("batch"));
  EXPECT_THAT(with([](PlanOptions& o) { o.fill = true; }), HasSubstr("fill: expected a limit"));
  EXPECT_THAT(with([](PlanOptions& o) {
                o.fill = o.whole_scales = true;
                o.choice = WithinRatio{.ratio = 0.2};
              }),
              HasSubstr("fill"));
  EXPECT_THAT(with([](PlanOptions& o) { o.choice = MostDemanding{13}; }), HasSubstr("0 to 12"));
  EXPECT_THAT(with([](PlanOptions& o) { o.efficient.condensed_scales = 11; }),
              HasSubstr("condensed_scales"));
  EXPECT_THAT(with([](PlanOptions& o) { o.efficient.local_scales = -1; }), HasSubstr("local"));
  EXPECT_THAT(with([](PlanOptions& o) { o.efficient.capacity_tokens = 4; }),
              HasSubstr("efficient rule: expected capacity_tokens to be at least 5"));
  EXPECT_THAT(with([](PlanOptions& o) {
                o.efficient.capacity_tokens = 40;
                o.efficient.local_scales = 1;
              }),
              HasSubstr("got both"));
  EXPECT_THAT(error_of(falling_statistics(11), config, {}),
              HasSubstr("expected 12 layers, got 11"));
}

TEST(Planner, TheBudgetIsTheSameEveryTimeAndReadsBack) {
  Statistics statistics;
  statistics.samples = 5;
  NdArray<double>& per_sample = statistics.layer_statistic(Metric::cosine, KvTensor::key);
  per_sample = NdArray<double>({5, 12});
  for (std::size_t i = 0; i < per_sample.data.size(); ++i) {
    per_sample.data[i] = std::sin(static_cast<double>(i));
  }
  PlanOptions options;
  options.choice = WithinRatio{.ratio = 0.2, .of = Denominator::final};
  options.capture_id = "0d5a";
  const auto layers = [&] {
    return similarity_statistic(statistics, Metric::cosine, KvTensor::key);
  };
  const Plan plan = make_plan(layers(), named_model_config("demo"), options);
  const Plan again = make_plan(layers(), named_model_config("demo"), options);
  EXPECT_EQ(to_json(plan.budget).dump(), to_json(again.budget).dump());
  for (std::size_t layer = 0; layer < 12; ++layer) {
    EXPECT_EQ(plan.explanation.rows[layer].stability, again.explanation.rows[layer].stability);
  }
  EXPECT_EQ(parse_budget(to_json(plan.budget).dump(), "b.json"), plan.budget);
  EXPECT_EQ(plan.budget.rule->capture_id, "0d5a");
  EXPECT_EQ(plan.budget.rule->of, "final");
  EXPECT_EQ(plan.budget.rule->statistic, "cosine-key");
  EXPECT_EQ(plan.budget.expected->ratio_of_read, plan.explanation.ratio_of(Denominator::read));
}

}  // namespace
}  // namespace kvscope
