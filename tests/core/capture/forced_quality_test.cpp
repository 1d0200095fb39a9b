// What a user would lose: teacher-forced figures that come back as something else, or a damaged
// file taken for figures.

#include "core/capture/forced_quality.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

ForcedQuality example_quality() {
  ForcedQuality quality;
  quality.against_capture_id = "vanilla-id";
  quality.capture_id = "ams-id";
  quality.model = "demo";
  quality.weights_sha256 = std::string(64, 'c');
  quality.policy = "ams-kv";
  quality.dtype = "fp32";
  quality.device = "cpu";
  quality.batch = 4;
  quality.samples = 8;
  quality.bootstrap = {.resamples = 500, .seed = 3};
  quality.overall = {{0.5, 0.4, 0.6}, {5, 4, 6}, {0.4, -0.1, 0.9}, {0.75, 0.5, 1}};
  quality.scales = {quality.overall,
                    {{0, 0, 0}, {3, std::nan(""), std::nan("")}, {-0.5, -1, 0}, {1, 1, 1}}};
  return quality;
}

class ForcedFile : public ::testing::Test {
 protected:
  ForcedQuality load() const {
    std::ofstream(path_) << json_;
    return load_forced_quality(path_);
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
  std::string path_ = forced_path(folder_ / "ams.h5");
  nlohmann::json json_ = to_json(example_quality());
};

TEST_F(ForcedFile, ComesBackEqual) {
  const ForcedQuality quality = load();
  EXPECT_EQ(to_json(quality), json_);
  EXPECT_EQ(quality.scales.at(1).nll_rise_nats.value, -0.5);
}

TEST_F(ForcedFile, WhatIsNotKnownIsNull) {
  EXPECT_TRUE(json_["scales"][1]["nll_nats"]["low"].is_null());
  EXPECT_TRUE(std::isnan(load().scales.at(1).nll_nats.low));
}

TEST_F(ForcedFile, RefusesFiguresThatCannotBe) {
  json_["overall"]["top1_agreement"]["high"] = 1.5;
  EXPECT_THAT(message(), HasSubstr("overall.top1_agreement.high to be from 0 to 1, got 1.5"));
  json_ = to_json(example_quality());
  json_["scales"][1]["kl_nats"]["value"] = -0.5;
  EXPECT_THAT(message(), HasSubstr("scales[1].kl_nats.value"));
  json_ = to_json(example_quality());
  json_["overall"]["kl_nats"]["low"] = 0.7;
  EXPECT_THAT(message(), HasSubstr("overall.kl_nats.low to be at most high"));
}

TEST_F(ForcedFile, RefusesWhatIsMissingUnknownOrOfAnotherSchema) {
  json_.erase("against_capture_id");
  EXPECT_THAT(message(), HasSubstr("against_capture_id"));
  json_ = to_json(example_quality());
  json_["scales"][0]["perplexity"] = 2;
  EXPECT_THAT(message(), HasSubstr("scales[0].perplexity"));
  json_ = to_json(example_quality());
  json_["schema"] = "kvscope.scores/1";
  EXPECT_THAT(message(), HasSubstr("kvscope.forced/1"));
}

}  // namespace
}  // namespace kvscope
