#include "cli/kvscope/plan_sweep.h"

#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/layers/control_statistic.h"
#include "analysis/planner/plan_json.h"
#include "analysis/planner/planner.h"
#include "core/geometry/model_config.h"

namespace kvscope::cli {
namespace {

std::set<std::string> keys_of(const nlohmann::json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

// A script that reads what plan prints should not have to know which option made it.
TEST(PlanSweep, PrintsTheFieldsOfEveryPlan) {
  const ModelConfig model = named_model_config("demo");
  const LayerStatisticValues statistics = uniform_layers(model.depth);
  const Plan plan =
      make_plan(statistics, model, {.choice = WithinRatio{0.5, Denominator::read}, .batch = 3});
  const nlohmann::json planned = to_json(plan, statistics);
  const nlohmann::json best = to_json(SweepChoice{plan.budget, "the best of 3 cells"});
  EXPECT_EQ(keys_of(best), keys_of(planned));
  EXPECT_EQ(keys_of(best["layers"][0]), keys_of(planned["layers"][0]));
  EXPECT_TRUE(best["statistic"].is_null());
  EXPECT_EQ(best["why"], "the best of 3 cells");
  // No limit was asked for; all else is the same budget's.
  nlohmann::json totals = planned["totals"];
  totals["limit"] = nullptr;
  EXPECT_EQ(best["totals"], totals);
}

}  // namespace
}  // namespace kvscope::cli
