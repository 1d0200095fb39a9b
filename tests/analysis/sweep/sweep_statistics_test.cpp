#include "analysis/sweep/sweep_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/capture/capture_reader.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::ExampleRun;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> names_of(const std::vector<StatisticChoice>& choices) {
  std::vector<std::string> names;
  for (const StatisticChoice& choice : choices) names.emplace_back(choice.statistic->name);
  return names;
}

TEST(SweepStatisticNames, RandomIsFiveSeeds) {
  const std::vector<StatisticChoice> chosen =
      sweep_statistics({"random", "last", "random:9"}, false);
  ASSERT_EQ(chosen.size(), 7U);
  EXPECT_EQ(chosen[4].seed, 4U);
  EXPECT_EQ(chosen[5].statistic->name, "last");
  EXPECT_EQ(chosen[6].seed, 9U);
  EXPECT_THROW((void)sweep_statistics({"lst"}, false), UsageError);
}

TEST(SweepStatisticNames, DamageIsComparedWhereThereIsSome) {
  EXPECT_THAT(names_of(sweep_statistics({}, false)), Not(Contains("damage")));
  EXPECT_THAT(names_of(sweep_statistics({}, true)), Contains("damage"));
  EXPECT_EQ(sweep_statistics({}, true).size(), all_layer_statistics().size() + 4);
  EXPECT_EQ(sweep_statistics({"last", "damage"}, true).size(), 2U);
  EXPECT_THROW((void)sweep_statistics({"last"}, true), UsageError) << "a file that nothing reads";
}

TEST(DamagePredictors, LookAtTheModelOrAtTheOrderOfLayers) {
  EXPECT_THAT(names_of(damage_predictors(false)),
              ElementsAre("cosine-key", "cosine-value", "neg_l2-key", "neg_l2-value",
                          "distant-density", "distant-mass", "first"));
  EXPECT_THAT(names_of(damage_predictors(true)), Contains("damage"));
}

class ReadStatistics : public testing::ExampleFiles {
 protected:
  CaptureReader analysis(const std::vector<int>& patch_nums, bool with_mass) {
    size_ = {4, patch_nums, 4, 2, 1};
    ExampleRun run = run_under({});
    add_statistics(run);
    if (!with_mass) {
      run.layout.parts.erase(Part::mass);
      for (BatchRecord& batch : run.batches) batch.statistics->mass_sum = {};
    }
    write_run(run, folder_ / "base.h5");
    return CaptureReader(folder_ / "base.h5");
  }
};

TEST_F(ReadStatistics, LeavesOutWhatTheAnalysisCannotGive) {
  const CaptureReader whole = analysis({1, 2, 3, 4, 5}, true);
  EXPECT_TRUE(read_available({whole, ""}, sweep_statistics({}, false)).left_out.empty());

  const CaptureReader without_mass = analysis({1, 2, 3, 4, 5}, false);
  const SweepStatistics rest = read_available({without_mass, ""}, sweep_statistics({}, false));
  EXPECT_THAT(rest.left_out, ElementsAre("distant-density", "distant-mass"));
  EXPECT_THAT(rest.why, HasSubstr("attention mass"));
  EXPECT_EQ(rest.read.size(), sweep_statistics({}, false).size() - 2);

  const CaptureReader few_scales = analysis({1, 2, 3, 4}, true);
  const SweepStatistics near = read_available({few_scales, ""}, damage_predictors(false));
  EXPECT_THAT(near.left_out, ElementsAre("distant-density", "distant-mass"));
  EXPECT_THAT(near.why, HasSubstr("scales"));
}

TEST_F(ReadStatistics, RefusesWhatTheUserNamed) {
  const CaptureReader without_mass = analysis({1, 2, 3, 4, 5}, false);
  const StatisticSource source{without_mass, ""};
  EXPECT_THROW((void)read_all(source, sweep_statistics({"last", "distant-mass"}, false)), BadInput);
  EXPECT_THROW((void)read_available({without_mass, folder_ / "none.json"}, damage_predictors(true)),
               BadInput)
      << "--damage names the file";
}

// The four similarities have the same samples: one sentence is enough. `plan` says the same.
TEST_F(ReadStatistics, ShareTheNoticesOfPlan) {
  const CaptureReader file = analysis({1, 2, 3, 4, 5}, true);  // 4 samples in 2 batches
  const SweepStatistics statistics = read_available({file, ""}, sweep_statistics({}, false));
  std::vector<std::string> texts;
  for (const PlanNotice& notice : sweep_notices(file, statistics.read)) {
    texts.push_back(notice.text);
  }
  EXPECT_THAT(texts, ElementsAre(HasSubstr("only 4 samples and say little"),
                                 HasSubstr("only 2 batches and say little")));
}

}  // namespace
}  // namespace kvscope
