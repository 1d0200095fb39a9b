// What a user would lose: a headline that calls noise a gain, or a saving without its denominator.

#include "analysis/views/verdict.h"

#include <functional>

#include <gmock/gmock.h>

#include "core/capture/capture_reader.h"
#include "tests/support/example_capture.h"

namespace kvscope {
namespace {

using ::testing::DoubleNear;
using testing::ExampleRun;

/// A vanilla run of 6 layers and 66 readable tokens, and one whose layers 0 to 2 keep one.
class VerdictTest : public ::testing::Test {
 protected:
  Verdict verdict(const std::function<void(ExampleRun&)>& change = [](ExampleRun&) {}) {
    const std::vector<std::string> paths =
        testing::write_vanilla_and_ams(folder_, size_, {0, 1, 2}, change);
    const std::vector<CaptureReader> files(paths.begin(), paths.end());
    return verdicts(compare(files)).at(0);
  }

  testing::ExampleSize size_{6, {1, 2, 3, 4, 6, 8}, 5, 2, 3};
  testing::TempDir folder_;
};

TEST_F(VerdictTest, StatesMemoryAgainstBothDenominators) {
  const Verdict all = verdict();
  EXPECT_EQ(all.name, "ams.h5");
  EXPECT_EQ(all.baseline, "vanilla.h5");
  // (3·66 + 3·1) of 6·66 tokens, and of 6·130: rounding of a double alone.
  EXPECT_THAT(all.memory.of_read, DoubleNear(201.0 / 396 - 1, 1e-15));
  EXPECT_THAT(all.memory.of_final, DoubleNear(201.0 / 780 - 1, 1e-15));
  EXPECT_THAT(all.memory.vanilla_of_final, DoubleNear(396.0 / 780 - 1, 1e-15));
  EXPECT_EQ(all.memory.read_change, Change::better);
  EXPECT_EQ(all.memory.images, 2);
}

TEST_F(VerdictTest, SeesNoChangeInEqualTimesTokensAndImages) {
  const Verdict all = verdict();
  ASSERT_TRUE(all.self_attention && all.image && all.tokens && all.images);
  EXPECT_EQ(all.image->change, Change::none_seen);
  EXPECT_EQ(all.image->ratio.value, 1);
  EXPECT_EQ(all.tokens->overall, 1);
  EXPECT_FALSE(all.images->psnr_mean_db);
  EXPECT_EQ(all.images->identical, 5);
  EXPECT_EQ(all.images->differing, 0);
  EXPECT_FALSE(all.class_accuracy);
}

// A machine that was slower for one file is no budget's doing.
TEST_F(VerdictTest, BlamesNoBudgetWhenTheControlsMoved) {
  const auto slow_down = [](bool controls_too) {
    return [controls_too](ExampleRun& ams) {
      for (BatchRecord& batch : ams.batches) {
        for (std::int64_t& ns : batch.timing->batch_ns.data) ns *= 2;
        if (!controls_too) continue;
        for (std::int64_t& ns : batch.timing->layer_ns.data) ns *= 2;
      }
    };
  };
  EXPECT_EQ(verdict(slow_down(false)).image->change, Change::worse);
  const Verdict moved = verdict(slow_down(true));
  EXPECT_TRUE(moved.image->controls_moved);
  EXPECT_EQ(moved.image->change, Change::none_seen);
}

TEST_F(VerdictTest, LeavesOutTimesThatDoNotCompare) {
  const Verdict all = verdict([](ExampleRun& ams) { ams.record.settings.dtype = "bf16"; });
  EXPECT_FALSE(all.self_attention);
  EXPECT_FALSE(all.image);
}

TEST_F(VerdictTest, CallsAScoreWorseOnlyBeyondBothIntervals) {
  Comparison comparison = [&] {
    const std::vector<std::string> paths =
        testing::write_vanilla_and_ams(folder_, size_, {0}, [](ExampleRun&) {});
    return compare(std::vector<CaptureReader>(paths.begin(), paths.end()));
  }();
  Scores scores;
  scores.samples = 5;
  scores.class_accuracy = {1, 0.5, 1};
  scores.demo_frechet_distance = {12.5, 11, 14.25};
  comparison.files[0].scores.value = scores;
  scores.class_accuracy = {0.8, 0.4, 1};
  scores.demo_frechet_distance = {16, 15, 17};
  comparison.files[1].scores.value = scores;
  const Verdict all = verdicts(comparison).at(0);
  ASSERT_TRUE(all.class_accuracy && all.demo_frechet_distance);
  EXPECT_EQ(all.class_accuracy->change, Change::none_seen);
  EXPECT_EQ(all.demo_frechet_distance->change, Change::worse);
  EXPECT_EQ(all.demo_frechet_distance->before.value, 12.5);
}

}  // namespace
}  // namespace kvscope
