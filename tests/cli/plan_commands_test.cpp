// What a user would lose: a report whose plan command kvscope refuses.

#include <gmock/gmock.h>

#include "analysis/planner/planner.h"
#include "analysis/report/plan_options.h"
#include "cli/kvscope/commands.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/geometry/model_config.h"
#include "tests/cli/every_option.h"
#include "tests/cli/shell_words.h"

namespace kvscope::cli {
namespace {

TEST(PlanCommandsOfReports, AreTakenByKvscope) {
  const ModelConfig model = named_model_config("demo");
  std::vector<double> values;
  for (int layer = 0; layer < model.depth; ++layer) values.push_back(0.1 * layer);
  LayerStatisticValues statistics = layer_statistic_values(values, LayerDemand::measured);
  const WithinRatio half{0.5, Denominator::final};
  const std::vector<PlanOptions> plans = {
      {.choice = BelowTheta{0.35}},
      {.choice = MostDemanding{3}, .demanding = KeepCapacity{2, 100}},
      {.choice = half},
      {.choice = half, .fill = true, .batch = 4, .key_element_bytes = 4, .value_element_bytes = 4},
      {.choice = WithinBytes{std::int64_t{6} << 20}},
      {.efficient = {.condensed_scales = 1, .local_scales = 2}}};
  for (const char* name : {"cosine-key", "damage"}) {
    statistics.name = name;
    for (const PlanOptions& plan : plans) {
      const std::string options = plan_options_of(make_plan(statistics, model, plan).budget);
      ASSERT_NE(options, "");
      EXPECT_EQ(refusal_of(plan_command(), shell_words("a.h5 " + options + " -o b.json")), "")
          << options;
    }
  }
}

}  // namespace
}  // namespace kvscope::cli
