#include "analysis/sweep/sweep_tables.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/geometry/model_config.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

SweepResults results_of_two_layers() {
  SweepResults results;
  results.model = named_model_config("demo");
  results.model.depth = 2;
  results.weights_sha256 = "abc";
  results.settings.samples = 5;
  results.read_bytes = 1000;
  results.final_bytes = 2000;
  CellResult vanilla;
  vanilla.cell.name = "vanilla";
  vanilla.cell.budget = vanilla_budget(budget_model_of(results.model));
  vanilla.logical_peak_bytes = 1000;
  vanilla.share_of_read = 1;
  vanilla.share_of_final = 0.5;
  CellResult cell = vanilla;
  cell.cell.name = "first_0.25";
  cell.cell.statistic = "first";
  cell.cell.ratio = 0.25;
  cell.cell.budget.layers[1].layer_class = LayerClass::efficient;
  cell.logical_peak_bytes = 250;
  cell.share_of_read = 0.25;
  cell.token_agreement = 0.125;
  Scores scores;
  scores.scorer.name = "judge";
  scores.class_accuracy = {0.5, 0.4, 0.6};
  cell.scores.value = scores;
  results.cells = {vanilla, cell};
  results.unreachable = {{"first_0.01", "first", 0.01, "too little"}};
  return results;
}

TEST(SweepTables, ShowRealBytesIntervalsAndWhatIsOutOfReach) {
  const std::string text = to_text(to_tables(results_of_two_layers(), Numbers::readable));
  EXPECT_THAT(text, AllOf(HasSubstr("first_0.25"), HasSubstr("250 B"), HasSubstr("25.0 %"),
                          HasSubstr("40.0 % … 60.0 %"), HasSubstr("12.5 %"), HasSubstr("judge"),
                          HasSubstr("too little")));
  EXPECT_THAT(text, Not(HasSubstr("Damage"))) << "no part without rows";
  const std::string csv = to_csv(to_tables(results_of_two_layers(), Numbers::exact));
  EXPECT_THAT(csv, HasSubstr("Cells,1,first_0.25,class accuracy low [fraction],0.4"));
  EXPECT_THAT(csv, HasSubstr("Cells,1,first_0.25,logical peak [bytes],250"));
}

TEST(SweepTables, JsonHasNullForWhatNobodyKnows) {
  const nlohmann::json json = to_json(results_of_two_layers());
  EXPECT_EQ(json["schema"], "kvscope.sweep/1");
  EXPECT_TRUE(json["cells"][0]["class_accuracy"].is_null());
  EXPECT_EQ(json["cells"][1]["class_accuracy"]["high"], 0.6);
  EXPECT_EQ(json["cells"][1]["demanding_layers"], nlohmann::json({0}));
  EXPECT_TRUE(
      nlohmann::json::parse(json.dump())["cells"][1]["demo_frechet_distance"]["value"].is_null());
  EXPECT_FALSE(json.contains("damage"));
}

TEST(SweepTables, StartWithWhatWasLost) {
  SweepResults results = results_of_two_layers();
  EXPECT_EQ(to_tables(results, Numbers::readable)[0].title, "Cells");
  results.cells[1].problems = {{"first_0.25", "3 dropped_timings", "run it again"}};
  const std::vector<TitledTable> tables = to_tables(results, Numbers::readable);
  EXPECT_THAT(tables[0].table.rows,
              ElementsAre(ElementsAre("first_0.25", "3 dropped_timings", "run it again")));
  EXPECT_EQ(to_json(results)["problems"][0]["cell"], "first_0.25");
}

// `plan --statistic damage` reads what a sweep over single layers writes.
TEST(SweepTables, DamageReadsBack) {
  SweepResults results = results_of_two_layers();
  results.damage = {{0.1, 3.0, 0.5}, {std::nullopt, std::nullopt, 0.25}};
  results.correlations = {{"cosine-key", "token_disagreement", -1, 0.5}};
  const testing::TempDir folder;
  std::ofstream(folder / "results.json") << to_json(results).dump();
  EXPECT_EQ(load_measured_damage(folder / "results.json").layers, results.damage);
  const std::string text = to_text(to_tables(results, Numbers::readable));
  EXPECT_THAT(text, AllOf(HasSubstr("+10.0 %"), HasSubstr("-1.000"), HasSubstr("0.5000")));
}

}  // namespace
}  // namespace kvscope
