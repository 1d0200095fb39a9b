// What a user would lose: scores that come back as something else, or a damaged file taken for
// figures.

#include "core/record/scores.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Scores example_scores() {
  Scores scores;
  scores.capture_id = "0f9c1e1e-0000-4000-8000-000000000000";
  scores.model = "demo";
  scores.scorer = {"demo-scorer", std::string(64, 'b'), {.resamples = 500, .seed = 3}};
  scores.samples = 3;
  scores.unreadable_images = 1;
  scores.nonfinite_images = 2;
  scores.class_accuracy = {2.0 / 3, 0.5, 1};
  scores.demo_frechet_distance = {12.5, 11, 14.25};
  scores.classes = {{0, 2, 0.5}, {7, 1, 1}};
  return scores;
}

TEST(ClassScores, CountEveryLabelApart) {
  const std::vector<ClassScore> classes = class_scores({7, 0, 7, 7}, {7, 1, 0, 7});
  EXPECT_THAT(classes, ElementsAre(ClassScore{0, 1, 0}, ClassScore{7, 3, 2.0 / 3}));
  EXPECT_DOUBLE_EQ(accuracy_of(classes), 0.5);
  EXPECT_TRUE(std::isnan(accuracy_of({})));
}

TEST(ClassScores, LeaveOutWhatIsNotJudged) {
  EXPECT_THAT(class_scores({7, 0, 7}, {7, not_judged, not_judged}),
              ElementsAre(ClassScore{7, 1, 1}));
}

class ScoresFile : public ::testing::Test {
 protected:
  Scores load() const {
    std::ofstream(path_) << json_;
    return load_scores(path_);
  }
  std::string message() const {
    try {
      load();
    } catch (const BadInput& error) {
      return error.what();
    }
    return "it was loaded";
  }

  testing::TempDir folder_;
  std::string path_ = folder_ / "a.h5.scores.json";
  nlohmann::json json_ = to_json(example_scores());
};

TEST_F(ScoresFile, ComesBackEqual) {
  const Scores scores = load();
  EXPECT_EQ(scores.capture_id, example_scores().capture_id);
  EXPECT_EQ(scores.scorer, example_scores().scorer);
  EXPECT_EQ(scores.classes, example_scores().classes);
  EXPECT_EQ(to_json(scores), json_);
}

TEST_F(ScoresFile, OfAnEarlierVersionLoads) {
  json_.erase("nonfinite_images");
  EXPECT_EQ(load().nonfinite_images, 0);
}

TEST_F(ScoresFile, WhatIsNotKnownIsNull) {
  Scores scores = example_scores();
  scores.demo_frechet_distance = {};
  json_ = to_json(scores);
  EXPECT_TRUE(json_["demo_frechet_distance"]["value"].is_null());
  EXPECT_TRUE(std::isnan(load().demo_frechet_distance.value));
}

TEST_F(ScoresFile, RefusesFiguresThatCannotBe) {
  json_["class_accuracy"]["value"] = 1.5;
  EXPECT_THAT(message(), HasSubstr("class_accuracy.value to be from 0 to 1, got 1.5"));
  json_["class_accuracy"]["value"] = 0.5;
  json_["demo_frechet_distance"]["low"] = 20;
  EXPECT_THAT(message(), HasSubstr("demo_frechet_distance.low to be at most high"));
  json_["demo_frechet_distance"]["low"] = -1;
  EXPECT_THAT(message(), HasSubstr("demo_frechet_distance.low"));
}

TEST_F(ScoresFile, RefusesClassesThatDoNotAddUp) {
  json_["classes"][1]["samples"] = 2;
  EXPECT_THAT(message(), HasSubstr("classes to be of 3 samples in all, got 4"));
  json_["classes"][1] = json_["classes"][0];
  EXPECT_THAT(message(), HasSubstr("classes[1].class to be above the one before"));
}

TEST_F(ScoresFile, RefusesWhatItDoesNotKnow) {
  json_["fid"] = 3;
  EXPECT_THAT(message(), HasSubstr("no unknown key, got 'fid'"));
  json_.erase("fid");
  json_["scorer"]["bootstrap"]["confidence"] = 1;
  EXPECT_THAT(message(), HasSubstr("scorer.bootstrap.confidence to be between 0 and 1"));
  json_["scorer"].erase("sha256");
  EXPECT_THAT(message(), HasSubstr("scorer.sha256"));
  json_["schema"] = "kvscope.scores/2";
  EXPECT_THAT(message(), HasSubstr("kvscope.scores/1"));
  json_ = nlohmann::json::array();
  EXPECT_THAT(message(), HasSubstr("a JSON object"));
}

TEST(ScoresPath, LiesBesideTheFile) { EXPECT_EQ(scores_path("x/a.h5"), "x/a.h5.scores.json"); }

}  // namespace
}  // namespace kvscope
