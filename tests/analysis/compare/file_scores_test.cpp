// What a user would lose: figures of another run beside the wrong name, or compared where they mean
// something else.

#include "analysis/compare/file_scores.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "analysis/compare/comparison_tables.h"
#include "core/base/error.h"
#include "tests/support/example_files.h"

namespace kvscope {
namespace {

using testing::add_scores;
using testing::ExampleRun;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::write_run;

class FileScores : public testing::ExampleFiles {
 protected:
  ExampleRun run() const { return run_under({}); }

  Scores scores(const ExampleRun& of) const {
    Scores scores;
    scores.capture_id = of.record.capture_id;
    scores.model = of.record.model.name;
    scores.scorer = {"example-scorer", std::string(64, 'c'), {}};
    scores.samples = 4;
    scores.class_accuracy = {0.75, 0.25, 1};
    scores.demo_frechet_distance = {20, 18, 23};
    scores.classes = {{0, 4, 0.75}};
    return scores;
  }

  void write_beside(const std::string& text) { std::ofstream(scores_path(path_)) << text; }
  void write_beside(const Scores& scores) { write_beside(to_json(scores).dump()); }
  Comparable<Scores> read() const { return scores_of(CaptureReader(path_)); }

  /// The scored run and an unscored one.
  Comparison compared(const ExampleRun& vanilla, const ExampleRun& ams) {
    write_run(vanilla, folder_ / "vanilla.h5");
    write_run(ams, path_);
    std::vector<CaptureReader> files;
    files.emplace_back(folder_ / "vanilla.h5");
    files.emplace_back(path_);
    return compare(files);
  }

  std::string path_ = folder_ / "ams.h5";
};

TEST_F(FileScores, AreThoseBesideTheFile) {
  const ExampleRun ams = run();
  write_run(ams, path_);
  EXPECT_FALSE(read());
  EXPECT_THAT(read().reason, IsEmpty()) << "nobody scored it: nothing to complain of";
  write_beside(scores(ams));
  EXPECT_EQ(read()->class_accuracy.value, 0.75);
}

TEST_F(FileScores, AreTheFilesOwnFirst) {
  ExampleRun ams = run();
  add_scores(ams);
  write_run(ams, path_);
  write_beside(scores(ams));
  EXPECT_EQ(read()->class_accuracy.value, 1);
}

TEST_F(FileScores, OfAnotherCaptureAreNotTaken) {
  const ExampleRun ams = run();
  write_run(ams, path_);
  write_beside(scores(run()));
  EXPECT_FALSE(read());
  EXPECT_THAT(read().reason, HasSubstr("not of " + ams.record.capture_id));
  std::filesystem::remove(path_);
  std::filesystem::remove_all(folder_ / "ams.images");
  const Comparison comparison = compared(run(), ams);
  ASSERT_EQ(comparison.not_comparable.size(), 1U);
  EXPECT_EQ(comparison.not_comparable[0].what, "scores");
}

TEST_F(FileScores, ThatAreDamagedDoNotSpoilTheComparison) {
  write_beside("{");
  const Comparison comparison = compared(run(), run());
  ASSERT_EQ(comparison.not_comparable.size(), 1U);
  EXPECT_THAT(comparison.not_comparable[0].why, HasSubstr("valid JSON"));
}

TEST_F(FileScores, OfFewerSamplesAreNotCompared) {
  ExampleRun vanilla = run();
  add_scores(vanilla);
  const ExampleRun ams = run();
  Scores fewer = scores(ams);
  fewer.samples = 3;
  fewer.unreadable_images = 1;
  fewer.classes = {{0, 3, 1}};
  write_beside(fewer);
  const Comparison comparison = compared(vanilla, ams);
  EXPECT_THAT(comparison.files[1].scores_reason,
              HasSubstr("different numbers of samples: 4 and 3"));
  ASSERT_EQ(comparison.problems.size(), 1U);
  EXPECT_EQ(comparison.problems[0].what, "1 images without scores");
}

// The table shows all scored files: those that differ from each other must not look alike only
// because the baseline has no scores.
TEST_F(FileScores, AreHeldAgainstTheFirstScoredFile) {
  ExampleRun scored = run();
  add_scores(scored);
  const ExampleRun ams = run();
  Scores other = scores(ams);
  other.scorer.sha256[0] = 'd';
  write_beside(other);
  write_run(run(), folder_ / "vanilla.h5");
  write_run(scored, folder_ / "scored.h5");
  write_run(ams, path_);
  std::vector<CaptureReader> files;
  for (const char* name : {"vanilla.h5", "scored.h5", "ams.h5"}) {
    files.emplace_back(folder_ / name);
  }
  const Comparison comparison = compare(files);
  EXPECT_THAT(comparison.files[1].scores_reason, IsEmpty());
  EXPECT_THAT(comparison.files[2].scores_reason, HasSubstr("different weights of the scorer"));
  ASSERT_FALSE(comparison.not_comparable.empty());
  EXPECT_EQ(comparison.not_comparable.back().file, "scored.h5 and ams.h5");
  EXPECT_EQ(comparison.not_comparable.back().what, "scores");
  const std::string text = to_text(comparison);
  EXPECT_THAT(text, HasSubstr("example-scorer (cccccccc)"));
  EXPECT_THAT(text, HasSubstr("example-scorer (dccccccc)"));
}

TEST_F(FileScores, OfAnotherScorerAreNotCompared) {
  const Scores one = scores(run());
  Scores other = one;
  EXPECT_THAT(why_scores_differ(one, other), IsEmpty());
  other.scorer.sha256[0] = 'd';
  EXPECT_THAT(why_scores_differ(one, other), HasSubstr("different weights of the scorer"));
  other.scorer.name = "other";
  EXPECT_EQ(why_scores_differ(one, other), "different scorers: example-scorer and other");
}

}  // namespace
}  // namespace kvscope
