// What a user would lose: a script that reads what plan decided as people see it.

#include "analysis/planner/plan_json.h"

#include <cmath>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "analysis/layers/control_statistic.h"
#include "core/budget/policies/keep_local.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;

ModelConfig tiny_model() {
  ModelConfig config = named_model_config("demo");
  config.depth = 3;
  config.patch_nums = {1, 2, 3, 4};
  return config;
}

/// Shares of layers, which are held as minus themselves: the last layer asks for most.
LayerStatisticValues shares() {
  NdArray<double> per_sample({2, 3});
  per_sample.data = {-0.1, -0.2, -0.75, -0.1, -0.3, -0.75};
  LayerStatisticValues statistics = layer_statistic_values(per_sample);
  statistics.name = "distant-mass";
  statistics.negated = true;
  return statistics;
}

TEST(PlanJson, ShowsMeasuresThatGrowWithDemandWithoutTheirMinus) {
  const LayerStatisticValues statistics = shares();
  const Plan plan = make_plan(statistics, tiny_model(), {.choice = MostDemanding{1}});
  const nlohmann::json json = to_json(plan, statistics);
  EXPECT_EQ(json.at("schema"), "kvscope.plan/1");
  EXPECT_EQ(json.at("statistic").at("demanding"), "high");
  const nlohmann::json& row = json.at("layers").at(1);
  EXPECT_EQ(row.at("statistic"), 0.25);
  EXPECT_LE(row.at("low"), row.at("statistic"));
  EXPECT_GE(row.at("high"), row.at("statistic"));
  EXPECT_EQ(json.at("layers").at(2).at("class"), "demanding");
  const double theta = json.at("statistic").at("theta");
  EXPECT_GT(theta, 0.25) << "to be given as --threshold";
  EXPECT_LE(theta, 0.75);
  EXPECT_EQ(json.at("budget"), to_json(plan.budget));
}

TEST(PlanJson, HasNullForWhatAControlDoesNotKnow) {
  const LayerStatisticValues uniform = uniform_layers(3);
  const Plan plan =
      make_plan(uniform, tiny_model(), {.choice = WithinRatio{0.9, Denominator::read}});
  const nlohmann::json json = to_json(plan, uniform);
  EXPECT_TRUE(json.at("statistic").at("demanding").is_null());
  EXPECT_TRUE(json.at("statistic").at("theta").is_null());
  for (const char* figure : {"low", "high", "stability"}) {
    EXPECT_TRUE(json.at("layers").at(0).at(figure).is_null()) << figure;
  }
  const nlohmann::json& limit = json.at("totals").at("limit");
  EXPECT_EQ(limit.at("of"), "logical");
  EXPECT_LE(limit.at("reached_bytes"), limit.at("bytes"));
}

TEST(PlanJson, ListsHeadsOnlyWhereTheyKeepUnequalTokens) {
  KeptTokens alike{.layer = 4,
                   .rule = KeepLocal{1, 0},
                   .groups = {{HeadSet::all(3), 5, {0, 1, 5}}},
                   .held_peak_bytes = 96};
  KeptTokens unequal = alike;
  unequal.groups = {{HeadSet({0, 2}, 3), 1, {0, 1, 1}}, {HeadSet({1}, 3), 5, {0, 1, 5}}};
  const nlohmann::json json = to_json(std::vector<KeptTokens>{alike, unequal});
  EXPECT_EQ(json.at(0).at("layer"), 4);
  EXPECT_EQ(json.at(0).at("keeps"), "condensed 1, local 0");
  EXPECT_EQ(json.at(0).at("logical_peak_bytes"), 96);
  EXPECT_EQ(json.at(0).at("kept_tokens"), 5);
  EXPECT_FALSE(json.at(0).contains("head_groups"));
  EXPECT_FALSE(json.at(1).contains("kept_tokens"));
  const nlohmann::json& groups = json.at(1).at("head_groups");
  EXPECT_THAT(groups.at(0).at("heads").get<std::vector<int>>(), ElementsAre(0, 2));
  EXPECT_EQ(groups.at(1).at("kept_tokens"), 5);
  EXPECT_THAT(groups.at(1).at("read_tokens").get<std::vector<int>>(), ElementsAre(0, 1, 5));
}

}  // namespace
}  // namespace kvscope
