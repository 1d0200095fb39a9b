#include "analysis/sweep/sweep_results.h"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/compare/loaded_capture.h"
#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "core/capture/image_files.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using testing::ExampleRun;

class CellResultTest : public testing::ExampleFiles {
 protected:
  CellResultTest() : ExampleFiles({2, {1, 2, 3}, 4, 2, 1}) {
    write_run(run_under({}), folder_ / "vanilla.h5");
  }
  CellResult result_of(const ExampleRun& run) {
    write_run(run, folder_ / "cell.h5");
    SweepCell cell;
    cell.name = "cell";
    cell.budget = run.record.budget;
    return cell_result(cell, loaded("vanilla.h5"), loaded("cell.h5"));
  }
  LoadedCapture loaded(const std::string& name) const {
    return LoadedCapture(CaptureReader(folder_ / name));
  }
};

TEST_F(CellResultTest, CountsBytesTokensAndPictures) {
  ExampleRun run = run_under({1});
  run.batches[0].token_ids(0, 0) += 1;
  for (int x = 0; x < 12; ++x) run.images[1].at(x, 3, 0) ^= 64;
  const CellResult result = result_of(run);
  // Of two layers that hold 5 tokens, one holds 1: 6 of 10, of 28 in all. A token takes 2 heads × 4
  // channels × 4 rows × 8 bytes.
  EXPECT_EQ(result.logical_peak_bytes, 6 * 256);
  EXPECT_DOUBLE_EQ(result.share_of_read, 0.6);
  EXPECT_DOUBLE_EQ(result.share_of_final, 6.0 / 28);
  EXPECT_EQ(result.demanding_layers(), std::vector<int>{0});
  EXPECT_DOUBLE_EQ(*result.token_agreement, 1 - 1.0 / (4 * 14));
  EXPECT_GT(*result.psnr_mean_db, 10);
  EXPECT_LT(*result.ssim_mean, 1);
  EXPECT_FALSE(result.scores);
}

TEST_F(CellResultTest, RefusesOtherDrawsAndMissingPictures) {
  ExampleRun other = run_under({1});
  other.record.settings.seed = 8;
  EXPECT_THROW((void)result_of(other), BadInput);
  write_run(run_under({1}), folder_ / "bare.h5");
  std::filesystem::remove(image_path(folder_ / "bare.h5", 2));
  EXPECT_THROW((void)cell_result({}, loaded("vanilla.h5"), loaded("bare.h5")), BadInput);
}

// Whether it ran now or in a sweep that was stopped, only the file knows what it lost.
TEST_F(CellResultTest, SaysWhatTheFileLost) {
  ExampleRun run = run_under({1});
  EXPECT_TRUE(result_of(run).problems.empty());
  run.batches[0].losses[LossCounter::dropped_timings] = 3;
  SweepResults results;
  results.cells = {result_of(run), result_of(run)};
  ASSERT_EQ(problems_of(results).size(), 2U);
  EXPECT_EQ(problems_of(results)[0].file, "cell");
  EXPECT_EQ(problems_of(results)[0].what, "3 dropped_timings");
}

CellResult cell_with(const std::string& statistic, double ratio, double accuracy, double distance,
                     double agreement) {
  CellResult result;
  result.cell.statistic = statistic;
  if (ratio > 0) result.cell.ratio = ratio;
  result.share_of_read = ratio;
  Scores scores;
  scores.class_accuracy.value = accuracy;
  scores.demo_frechet_distance.value = distance;
  result.scores.value = scores;
  result.token_agreement = agreement;
  return result;
}

TEST(RandomSummaries, AreMeanAndSpreadOverSeeds) {
  const std::vector<CellResult> cells = {cell_with("", 0, 0.9, 1, 1),
                                         cell_with("random:0", 0.2, 0.5, 10, 0.3),
                                         cell_with("random:1", 0.2, 0.6, 12, 0.3),
                                         cell_with("random:2", 0.2, 0.7, 17, 0.3),
                                         cell_with("first", 0.2, 0.1, 99, 0.1),
                                         cell_with("random:0", 0.4, 0.8, 2, 0.5)};
  const std::vector<RandomSummary> summaries = random_summaries(cells);
  ASSERT_EQ(summaries.size(), 1U) << "one seed has no spread";
  EXPECT_EQ(summaries[0].seeds, 3);
  EXPECT_DOUBLE_EQ(summaries[0].class_accuracy->mean, 0.6);
  EXPECT_NEAR(summaries[0].class_accuracy->spread, 0.1, 1e-15);
  EXPECT_DOUBLE_EQ(summaries[0].demo_frechet_distance->mean, 13);
  EXPECT_DOUBLE_EQ(summaries[0].demo_frechet_distance->spread, std::sqrt((9 + 1 + 16) / 2.0));
  EXPECT_FALSE(summaries[0].psnr_mean_db.has_value()) << "no cell has it";
}

// A mean over distances of unequal numbers of samples is of nothing.
TEST(RandomSummaries, HaveNoDistanceOfUnequalNumbersOfSamples) {
  std::vector<CellResult> cells = {cell_with("random:0", 0.2, 0.5, 10, 0.3),
                                   cell_with("random:1", 0.2, 0.7, 12, 0.3)};
  cells[1].scores.value->samples = 7;
  const RandomSummary summary = random_summaries(cells).at(0);
  EXPECT_FALSE(summary.demo_frechet_distance.has_value());
  EXPECT_DOUBLE_EQ(summary.class_accuracy->mean, 0.6);
}

TEST(Damage, IsWhatGotWorseThanVanilla) {
  std::vector<CellResult> cells = {cell_with("", 0, 0.9, 2, 0), cell_with("", 0, 0.7, 5, 0.25),
                                   cell_with("", 0, 0.95, 1.5, 0.5)};
  cells[0].token_agreement = std::nullopt;
  cells[1].cell.layer = 0;
  cells[2].cell.layer = 1;
  const std::vector<LayerDamage> damage = layer_damage(cells);
  ASSERT_EQ(damage.size(), 2U);
  EXPECT_NEAR(*damage[0].accuracy_drop, 0.2, 1e-15);
  EXPECT_DOUBLE_EQ(*damage[0].frechet_rise, 3);
  EXPECT_DOUBLE_EQ(damage[0].token_disagreement, 0.75);
  EXPECT_NEAR(*damage[1].accuracy_drop, -0.05, 1e-15);
  EXPECT_DOUBLE_EQ(*damage[1].frechet_rise, -0.5);

  cells[0].scores.value = std::nullopt;
  EXPECT_FALSE(layer_damage(cells)[0].accuracy_drop.has_value());
}

TEST(Damage, CorrelatesWithDemandNotWithTheStatistic) {
  const std::vector<LayerDamage> damage = {
      {0.1, 1.0, 0.2}, {0.2, 2.0, 0.1}, {0.3, std::nullopt, 0}};
  LayerStatisticValues lowest_last = layer_statistic_values({0.9, 0.5, 0.1}, LayerDemand::measured);
  lowest_last.name = "cosine-key";
  const std::vector<DamageCorrelation> correlations = damage_correlations({lowest_last}, damage);
  ASSERT_EQ(correlations.size(), 2U) << "a measure that a layer lacks is left out";
  EXPECT_EQ(correlations[0].measure, "accuracy_drop");
  EXPECT_EQ(correlations[0].rank_correlation, 1) << "the lowest, most demanding layer suffers most";
  EXPECT_EQ(correlations[1].measure, "token_disagreement");
  EXPECT_EQ(correlations[1].rank_correlation, -1);
}

}  // namespace
}  // namespace kvscope
