// What a user would lose: figures of fewer images than they say, or of another model's pictures.

#include "analysis/quality/score_capture.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "tests/support/example_capture.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using testing::ExampleRun;
using testing::ExampleSize;
using ::testing::HasSubstr;

const std::string golden = KVSCOPE_SOURCE_DIR "/tests/golden/scorer";

/// A run of the model that the golden scorer knows: its pictures have 12 pixels a side.
ExampleRun tiny_run(int samples) {
  const ExampleSize size{.samples = samples};
  ExampleRun run =
      testing::example_run(size, testing::example_budget(testing::example_model(size), {}));
  run.record.model.name = "tiny";
  run.record.model.classes = 5;
  return run;
}

class ScoreCapture : public ::testing::Test {
 protected:
  CaptureScores scores_of(const ExampleRun& run, int batch) {
    testing::write_run(run, path_);
    return score(batch);
  }
  CaptureScores score(int batch) { return score_capture(CaptureReader(path_), scorer_, batch); }

  testing::TempDir folder_;
  std::string path_ = folder_ / "a.h5";
  Scorer scorer_{golden, at::kCPU};
};

TEST_F(ScoreCapture, JudgesTheImagesBesideTheFile) {
  const ExampleRun run = tiny_run(6);
  const Scores scores = scores_of(run, 6).scores;
  const Judgement judgement = scorer_.judge(run.images);
  EXPECT_EQ(scores.capture_id, run.record.capture_id);
  EXPECT_EQ(scores.samples, 6);
  EXPECT_EQ(scores.unreadable_images, 0);
  // Labels come in turn; there are four classes for the example's six samples, of five.
  const std::vector<std::int32_t> labels = CaptureReader(path_).labels();
  EXPECT_EQ(scores.classes, class_scores(labels, judgement.predicted));
  EXPECT_EQ(scores.class_accuracy.value, accuracy_of(scores.classes));
  EXPECT_EQ(scores.demo_frechet_distance.value, scorer_.distance().to_samples(judgement.features));
}

TEST_F(ScoreCapture, DoesNotDependOnTheBatch) {
  const Scores one = scores_of(tiny_run(6), 1).scores;
  const Scores four = score(4).scores;
  EXPECT_EQ(one.classes, four.classes);
  // A convolution may sum in another order for another batch, in fp32.
  EXPECT_NEAR(one.demo_frechet_distance.value, four.demo_frechet_distance.value,
              1e-5 * one.demo_frechet_distance.value);
}

TEST_F(ScoreCapture, CountsImagesThatCannotBeRead) {
  testing::write_run(tiny_run(6), path_);
  std::filesystem::remove(folder_ / "a.images/000000.png");
  std::ofstream(folder_ / "a.images/000004.png") << "no picture";
  const CaptureScores result = score(2);
  EXPECT_EQ(result.scores.samples, 4);
  EXPECT_EQ(result.scores.unreadable_images, 2);
  EXPECT_THAT(result.unreadable_why, HasSubstr("000000.png"));
  std::int64_t samples = 0;
  for (const ClassScore& one : result.scores.classes) samples += one.samples;
  EXPECT_EQ(samples, 4);
}

TEST_F(ScoreCapture, RefusesACaptureWithoutImages) {
  testing::write_run(tiny_run(2), path_);
  std::filesystem::remove_all(folder_ / "a.images");
  EXPECT_THAT([&] { score(2); }, ::testing::ThrowsMessage<BadInput>(HasSubstr("at least one")));
}

TEST_F(ScoreCapture, RefusesAnotherModelsPictures) {
  ExampleRun run = tiny_run(2);
  run.record.model.name = "example";
  EXPECT_THAT([&] { scores_of(run, 2); }, ::testing::ThrowsMessage<BadInput>(HasSubstr("--npz")));
}

TEST_F(ScoreCapture, RefusesSamplesThatNoClassWasAskedFor) {
  ExampleRun run = tiny_run(2);
  run.batches[0].labels[1] = 5;
  EXPECT_THAT([&] { scores_of(run, 2); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("labels from 0 to 4")));
}

}  // namespace
}  // namespace kvscope
