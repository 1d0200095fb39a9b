// What a user would lose: results, budgets and runs of another sweep in the same folder.

#include "analysis/sweep/sweep_folder.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/sweep/sweep_tables.h"
#include "core/base/error.h"
#include "core/budget/kv_bytes.h"
#include "core/capture/capture_reader.h"
#include "core/capture/image_files.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::AllOf;
using testing::ExampleRun;
using ::testing::HasSubstr;

class SweepFolderTest : public testing::ExampleFiles {
 protected:
  SweepFolderTest() : ExampleFiles({2, {1, 2, 3}, 4, 2, 1}) {
    cell_.name = "cell";
    cell_.budget = run_.record.budget;
  }
  SweepFolder folder(bool force = false) const { return {folder_.path(), run_.record, force}; }
  std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const nlohmann::json& json) const {
    std::ofstream(path(name)) << json.dump();
  }

  std::string refusal(bool force = false) const {
    try {
      (void)folder(force).state_of(cell_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::string refusal_of_results(bool single_layers, const std::string& analysis = "the analysis",
                                 bool force = false) const {
    try {
      folder(force).check_results(analysis, single_layers);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  ExampleRun run_ = run_under({1});
  SweepCell cell_;
};

TEST_F(SweepFolderTest, TellsHowFarACellIs) {
  EXPECT_EQ(folder().state_of(cell_), CellState::missing);
  write("cell.json", to_json(cell_.budget));
  EXPECT_EQ(folder().state_of(cell_), CellState::missing);
  write_run(run_, path("cell.h5"), false);
  EXPECT_EQ(folder().state_of(cell_), CellState::unfinished);
  write_run(run_, path("cell.h5"));
  EXPECT_EQ(folder().state_of(cell_), CellState::finished);
  std::filesystem::remove(image_path(path("cell.h5"), 3));
  EXPECT_EQ(folder().state_of(cell_), CellState::unfinished);
}

// A cell may be a link to where there is room: that is where its session writes.
TEST_F(SweepFolderTest, FindsTheUnfinishedRunBehindALink) {
  std::filesystem::create_directory(path("disk"));
  std::filesystem::create_symlink("disk/cell.h5", path("cell.h5"));
  write_run(run_, path("disk/cell.h5"), false);
  EXPECT_EQ(folder().state_of(cell_), CellState::unfinished);
  std::filesystem::remove(path("disk/cell.h5.partial"));
  ExampleRun other = run_;
  other.record.settings.seed += 1;
  write_run(other, path("disk/cell.h5"), false);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("disk/cell.h5.partial"), HasSubstr("seed")));
}

TEST_F(SweepFolderTest, KeepsAnotherBudget) {
  write("cell.json", to_json(budget({0})));
  EXPECT_THAT(refusal(), AllOf(HasSubstr("cell.json"), HasSubstr("--force")));
  std::ofstream(path("cell.json")) << "precious";
  EXPECT_THAT(refusal(), HasSubstr("cell.json"));
  EXPECT_EQ(refusal(true), "");
}

// A budget of an older release tells less of itself, and runs the same.
TEST_F(SweepFolderTest, TakesABudgetThatOnlyTellsOtherwise) {
  Budget older = cell_.budget;
  older.rule = BudgetOrigin{};
  older.expected.reset();
  cell_.budget.expected = expectation_of(cell_.budget, 2, 4, 4);
  write("cell.json", to_json(older));
  EXPECT_EQ(refusal(), "");
}

TEST_F(SweepFolderTest, KeepsAnotherRunFinishedOrNot) {
  ExampleRun other = run_;
  other.record.settings.seed += 1;
  write_run(other, path("cell.h5"), false);
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("cell.h5.partial"), HasSubstr("seed"), HasSubstr("--force")));
  EXPECT_EQ(folder(true).state_of(cell_), CellState::missing);
  std::filesystem::remove(path("cell.h5.partial"));

  write_run(run_under({0}), path("cell.h5"));
  EXPECT_THAT(refusal(), HasSubstr("budget"));
  std::ofstream(path("cell.h5")) << "precious";
  EXPECT_THAT(refusal(), HasSubstr("cell.h5"));
  std::filesystem::remove(path("cell.h5"));
  std::filesystem::create_directory(path("cell.h5"));
  EXPECT_THAT(refusal(true), HasSubstr("cell.h5")) << "a folder is never replaced";
}

TEST_F(SweepFolderTest, KeepsTheResultsOfAnotherSweep) {
  EXPECT_EQ(refusal_of_results(false), "") << "nothing is there";
  SweepResults results;
  results.model = run_.record.model;
  results.weights_sha256 = run_.record.weights_sha256;
  results.settings = run_.record.settings;
  results.analysis_capture_id = "the analysis";
  write("results.json", to_json(results));
  EXPECT_EQ(refusal_of_results(false), "");
  EXPECT_THAT(refusal_of_results(true), AllOf(HasSubstr("results.json"), HasSubstr("of ratios")));
  EXPECT_THAT(refusal_of_results(false, "another"), HasSubstr("another analysis"));
  EXPECT_EQ(refusal_of_results(false, "another", true), "");

  results.damage = {{0.1, 1.0, 0.5}, {0.2, 2.0, 0.25}};
  write("results.json", to_json(results));
  EXPECT_EQ(refusal_of_results(true), "");
  EXPECT_THAT(refusal_of_results(false), AllOf(HasSubstr("single layers"), HasSubstr("--force")));

  results.settings.cfg += 1;
  write("results.json", to_json(results));
  EXPECT_THAT(refusal_of_results(true), HasSubstr("cfg"));
  results.weights_sha256 = "others";
  write("results.json", to_json(results));
  EXPECT_THAT(refusal_of_results(true), HasSubstr("another model"));
  write("results.json", {1, 2});
  EXPECT_THAT(refusal_of_results(true), HasSubstr("another file"));
}

}  // namespace
}  // namespace kvscope
