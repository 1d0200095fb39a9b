#include "analysis/sweep/sweep_cells.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/sweep/sweep_statistics.h"
#include "core/base/error.h"
#include "core/budget/policies/keep_local.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using testing::ExampleRun;
using ::testing::HasSubstr;

class SweepCellsTest : public testing::ExampleFiles {
 protected:
  SweepCellsTest() : ExampleFiles({6, {1, 2, 3, 4, 5, 6, 8}, 4, 2, 1}) {
    ExampleRun run = run_under({});
    add_statistics(run);
    write_run(run, folder_ / "base.h5");
  }

  SweepCells cells(const std::vector<std::string>& names, const std::vector<double>& ratios) {
    const CaptureReader analysis(folder_ / "base.h5");
    const SweepStatistics statistics = read_all({analysis, ""}, sweep_statistics(names, false));
    return statistic_cells(analysis.record().model, statistics.read, ratios, {});
  }
};

std::vector<std::string> names_of(const SweepCells& cells) {
  std::vector<std::string> names;
  for (const SweepCell& cell : cells.cells) names.push_back(cell.name);
  return names;
}

TEST_F(SweepCellsTest, RatioByRatioAfterVanilla) {
  const SweepCells all = cells({"cosine-key", "uniform", "random:7"}, {0.5, 0.25});
  EXPECT_THAT(names_of(all), ElementsAre("vanilla", "cosine-key_0.5", "uniform_0.5", "random-7_0.5",
                                         "cosine-key_0.25", "uniform_0.25", "random-7_0.25"));
  EXPECT_EQ(all.cells[0].budget.policy, vanilla_policy);
  EXPECT_EQ(all.cells[4].budget.rule->statistic, "cosine-key");
  EXPECT_EQ(all.cells[4].budget.rule->ratio, 0.25);
  EXPECT_TRUE(all.cells[4].budget.rule->fill) << "cells of a ratio compare at the same bytes";
  EXPECT_TRUE(all.unreachable.empty());
}

TEST_F(SweepCellsTest, ARatioOutOfReachLeavesTheOthers) {
  const SweepCells all = cells({"first", "uniform"}, {0.5, 0.001});
  EXPECT_THAT(names_of(all), ElementsAre("vanilla", "first_0.5", "uniform_0.5"));
  ASSERT_EQ(all.unreachable.size(), 2U);
  EXPECT_EQ(all.unreachable[0].name, "first_0.001");
  EXPECT_THAT(all.unreachable[0].why, HasSubstr("the smallest reachable ratio"));
  EXPECT_THROW((void)cells({"first"}, {1.5}), UsageError) << "a mistake ends the sweep";
}

// Cells of one name would take each other's files.
TEST_F(SweepCellsTest, TwoCellsOfOneNameAreRefused) {
  EXPECT_THROW((void)cells({"last"}, {0.2, 0.20}), UsageError);
  EXPECT_THROW((void)cells({"last"}, {0.001, 0.001}), UsageError) << "out of reach as well";
  EXPECT_THROW((void)cells({"random:1", "random:01"}, {0.5}), UsageError);
  EXPECT_THROW((void)cells({"random", "random:2"}, {0.5}), UsageError);
  EXPECT_THROW((void)cells({"last", "last"}, {0.5}), UsageError);
}

// Budgets of the user's own run beside the others, and must not take their files.
TEST_F(SweepCellsTest, BudgetFilesAreCellsOfTheirOwn) {
  const auto write = [&](const std::string& name, const Budget& budget) {
    std::ofstream(folder_ / name) << to_json(budget).dump();
    return folder_ / name;
  };
  const std::string mine = write("mine.json", budget({1}));
  SweepCells with_mine = cells({"last"}, {0.5});
  add_budget_cells(with_mine, model(), {mine});
  ASSERT_EQ(with_mine.cells.size(), 3U);
  EXPECT_EQ(with_mine.cells.back().name, "mine");
  EXPECT_EQ(with_mine.cells.back().statistic, "");
  EXPECT_FALSE(with_mine.cells.back().ratio);
  EXPECT_EQ(with_mine.cells.back().budget, budget({1}));

  for (const char* name : {"mine.json", "last_0.5.json", "vanilla.json", "results.json"}) {
    const std::string file = write(name, budget({1}));
    EXPECT_THROW(add_budget_cells(with_mine, model(), {file}), UsageError) << name;
  }
  ModelConfig other = model();
  other.depth += 1;
  EXPECT_THROW(add_budget_cells(with_mine, other, {write("other.json", budget({}))}), BadInput);
}

TEST(SingleLayers, OneLayerIsCondensedAndAllOthersKeepEverything) {
  const SweepCells all = single_layer_cells(named_model_config("demo"));
  ASSERT_EQ(all.cells.size(), 13U);
  EXPECT_EQ(all.cells[4].name, "layer_03");
  for (int layer = 0; layer < 12; ++layer) {
    const SweepCell& cell = all.cells[static_cast<std::size_t>(layer) + 1];
    EXPECT_EQ(cell.layer, layer);
    for (std::size_t other = 0; other < 12; ++other) {
      const LayerRule& rule = cell.budget.layers[other].rule;
      if (static_cast<int>(other) == layer) {
        EXPECT_EQ(rule, LayerRule(KeepLocal{2, 0}));
      } else {
        EXPECT_EQ(rule, LayerRule(KeepAll{}));
      }
    }
  }
}

}  // namespace
}  // namespace kvscope
