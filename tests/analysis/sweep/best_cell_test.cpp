#include "analysis/sweep/best_cell.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/sweep/sweep_tables.h"
#include "core/base/error.h"
#include "core/budget/policies/keep_capacity.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A model of 2 layers that read 14 tokens each, of 30.
class BestCellTest : public ::testing::Test {
 protected:
  BestCellTest() {
    results_.model = named_model_config("demo");
    results_.model.depth = 2;
    results_.model.patch_nums = {1, 2, 3, 4};
    results_.model.image_size = 16;
    results_.weights_sha256 = "abc";
    results_.settings.samples = 5;
    results_.read_bytes = 14;
    results_.final_bytes = 30;
    results_.cells = {cell("vanilla", "", {}, 14, {}, {0.1, 0, 0.2})};
  }

  CellResult cell(const std::string& name, const std::string& statistic,
                  std::optional<double> ratio, std::int64_t tokens, std::optional<double> agreement,
                  Estimate frechet) const {
    CellResult result;
    result.cell.name = name;
    result.cell.statistic = statistic;
    result.cell.ratio = ratio;
    result.cell.budget = vanilla_budget(budget_model_of(results_.model));
    result.cell.budget.policy = ams_kv_policy;
    for (LayerBudget& layer : result.cell.budget.layers) {
      layer = {LayerClass::efficient, KeepCapacity{0, tokens}};
    }
    result.share_of_read = expectation_of(result.cell.budget, 1, 2, 2).ratio_of_read;
    result.token_agreement = agreement;
    if (!std::isnan(frechet.value)) {
      result.scores.value = Scores{};
      result.scores.value->samples = 5;
      result.scores.value->demo_frechet_distance = frechet;
    }
    return result;
  }

  // As a sweep leaves it, with every cell's budget.
  MeasuredSweep write_and_load() const {
    std::ofstream(folder_ / "results.json") << to_json(results_).dump();
    for (const CellResult& result : results_.cells) {
      std::ofstream(folder_ / (result.cell.name + ".json")) << to_json(result.cell.budget).dump();
    }
    return load_measured_sweep(folder_ / "results.json");
  }

  void add_two_ratios() {
    // 5 tokens at 0.4 (0.357 of read), 1 at 0.1 (0.071).
    results_.cells.push_back(cell("first_0.4", "first", 0.4, 5, 0.50, {0.9, 0.8, 1.0}));
    results_.cells.push_back(cell("last_0.4", "last", 0.4, 5, 0.60, {1.0, 0.9, 1.1}));
    results_.cells.push_back(cell("random-3_0.4", "random:3", 0.4, 5, 0.70, {1.5, 1.4, 1.6}));
    results_.cells.push_back(cell("first_0.1", "first", 0.1, 1, 0.20, {}));
  }

  testing::TempDir folder_;
  SweepResults results_;
};

std::vector<std::string> written(const std::vector<BestMark>& marks) {
  std::vector<std::string> text;
  for (const BestMark& mark : marks) {
    text.push_back(mark.cell + " " + std::to_string(mark.ratio).substr(0, 3) + " " +
                   name_of(mark.by));
  }
  return text;
}

TEST_F(BestCellTest, MarksTheBestOfEachRatio) {
  add_two_ratios();
  EXPECT_THAT(
      written(best_marks(figures_of(results_.cells))),
      ElementsAre("first_0.1 0.1 tokens", "random-3_0.4 0.4 tokens", "first_0.4 0.4 frechet"));
  const nlohmann::json json = to_json(results_);
  EXPECT_THAT(json["cells"][0]["best"], IsEmpty()) << "vanilla competes with nothing";
  EXPECT_EQ(json["cells"][1]["best"],
            nlohmann::json::parse(R"([{"ratio": 0.4, "by": "frechet"}])"));
  EXPECT_THAT(to_text(to_tables(results_, Numbers::readable)), HasSubstr("best: of its ratio"));
}

// A budget of the user's own was asked for at no ratio: it beats whatever needs no less.
TEST_F(BestCellTest, OwnBudgetsCompeteWhereTheyFit) {
  add_two_ratios();
  results_.cells.push_back(cell("mine", "", {}, 4, 0.9, {}));
  EXPECT_THAT(written(best_marks(figures_of(results_.cells))),
              ElementsAre("first_0.1 0.1 tokens", "mine 0.4 tokens", "first_0.4 0.4 frechet"));
  EXPECT_EQ(best_cell(write_and_load(), 0.5, Denominator::read, CellMeasure::tokens).cell.name,
            "mine");
}

TEST_F(BestCellTest, ChoosesAtTheNearestRatioThatFits) {
  add_two_ratios();
  const MeasuredSweep sweep = write_and_load();
  const BestCell best = best_cell(sweep, 0.45, Denominator::read, CellMeasure::frechet);
  EXPECT_EQ(best.budget, results_.cells[1].cell.budget);
  EXPECT_THAT(best.why,
              AllOf(HasSubstr("first_0.4 is the best of 3 cells at 0.4 of read by frechet"),
                    HasSubstr("0.900 (0.800 … 1.000), 5 samples"),
                    HasSubstr("the intervals of 1 others overlap its own")));
  EXPECT_EQ(best_cell(sweep, 0.4, Denominator::read, CellMeasure::tokens).cell.name,
            "random-3_0.4");
  EXPECT_EQ(best_cell(sweep, 0.39, Denominator::read, CellMeasure::tokens).cell.name, "first_0.1");
  // 0.4 of read is 0.187 of final.
  EXPECT_EQ(best_cell(sweep, 0.19, Denominator::final, CellMeasure::frechet).cell.name,
            "first_0.4");
}

// A cell that lost images to NaN has a distance of fewer samples, which is another figure. Whoever
// takes it for the best runs the wrong budget.
TEST_F(BestCellTest, ComparesDistancesOfVanillasNumberOfSamplesOnly) {
  add_two_ratios();
  results_.cells[1].scores.value->samples = 4;
  EXPECT_THAT(
      written(best_marks(figures_of(results_.cells))),
      ElementsAre("first_0.1 0.1 tokens", "random-3_0.4 0.4 tokens", "last_0.4 0.4 frechet"));
  const MeasuredSweep sweep = write_and_load();
  const BestCell best = best_cell(sweep, 0.4, Denominator::read, CellMeasure::frechet);
  EXPECT_EQ(best.cell.name, "last_0.4");
  EXPECT_THAT(best.why, AllOf(HasSubstr("5 samples"), Not(HasSubstr("overlap"))));
  EXPECT_THAT(better_statistic(sweep, "last", 0.4, CellMeasure::frechet),
              HasSubstr("no other statistic measured better"));
  EXPECT_EQ(to_json(results_)["cells"][1]["scored_samples"], 4) << "so that a reader can tell";
  EXPECT_TRUE(to_json(results_)["cells"][4]["scored_samples"].is_null());
}

// Whoever measured for hours with an older version should not have to measure again. Its results
// call the statistic policy, and say nothing of the number of scored samples.
TEST_F(BestCellTest, TakesOlderResults) {
  add_two_ratios();
  (void)write_and_load();
  nlohmann::json json = to_json(results_);
  for (nlohmann::json& cell : json["cells"]) {
    cell.erase("scored_samples");
    cell["policy"] = cell["statistic"];
    cell.erase("statistic");
  }
  std::ofstream(folder_ / "results.json") << json.dump();
  const MeasuredSweep sweep = load_measured_sweep(folder_ / "results.json");
  const BestCell best = best_cell(sweep, 0.4, Denominator::read, CellMeasure::frechet);
  EXPECT_EQ(best.cell.name, "first_0.4");
  EXPECT_THAT(best.why, HasSubstr("5 samples"));
  EXPECT_THAT(better_statistic(sweep, "first", 0.36, CellMeasure::tokens),
              HasSubstr("last measured better"));
}

TEST_F(BestCellTest, NamesWhatTheSweepDoesNotHave) {
  add_two_ratios();
  const MeasuredSweep sweep = write_and_load();
  const auto refusal = [&](double ratio, CellMeasure measure) -> std::string {
    try {
      (void)best_cell(sweep, ratio, Denominator::read, measure);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(refusal(0.05, CellMeasure::tokens), HasSubstr("at least 0.1 of read"));
  EXPECT_THAT(refusal(0.2, CellMeasure::frechet), HasSubstr("--by tokens"));
  // An edit after the sweep was measured.
  std::ofstream(folder_ / "first_0.1.json") << to_json(results_.cells[1].cell.budget).dump();
  EXPECT_THAT(refusal(0.2, CellMeasure::tokens),
              AllOf(HasSubstr("first_0.1.json: expected the budget that"), HasSubstr("measured")));
}

TEST_F(BestCellTest, RefusesOtherFiles) {
  results_.damage = {{}, {}};
  EXPECT_THROW((void)write_and_load(), BadInput);
  results_.damage = {};
  results_.cells.push_back(cell("first_0.4", "first", 0.4, 5, 0.5, {0.9, 1.0, 0.8}));
  EXPECT_THROW((void)write_and_load(), BadInput) << "an interval that ends before it begins";
  std::ofstream(folder_ / "results.json") << R"({"schema": "kvscope.budget/1"})";
  EXPECT_THROW((void)load_measured_sweep(folder_ / "results.json"), BadInput);
}

// Whoever takes the default should learn that a control did better; luck is no statistic.
TEST_F(BestCellTest, SaysWhichOtherStatisticMeasuredBetter) {
  add_two_ratios();
  const MeasuredSweep sweep = write_and_load();
  const auto said = [&](const char* statistic, CellMeasure measure) {
    return better_statistic(sweep, statistic, 0.36, measure);
  };
  EXPECT_THAT(said("first", CellMeasure::tokens),
              HasSubstr("at 0.4 of read, by tokens: last measured better with 60.0 % of tokens as "
                        "vanilla's; first has 50.0 %"));
  EXPECT_THAT(said("last", CellMeasure::tokens), HasSubstr("no other statistic measured better"));
  EXPECT_THAT(said("cosine-key", CellMeasure::frechet),
              AllOf(HasSubstr("first measured better"), HasSubstr("cosine-key was not measured")));
  EXPECT_THAT(said("first", CellMeasure::tokens), Not(HasSubstr("random")));
}

}  // namespace
}  // namespace kvscope
