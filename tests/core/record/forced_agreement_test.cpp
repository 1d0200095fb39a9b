// What a user would lose: teacher-forced figures that come back as something else, or a damaged
// file taken for figures.

#include "core/record/forced_agreement.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

ForcedAgreement example_agreement() {
  ForcedAgreement agreement;
  agreement.against_capture_id = "vanilla-id";
  agreement.capture_id = "ams-id";
  agreement.model = "demo";
  agreement.weights_sha256 = std::string(64, 'c');
  agreement.policy = "ams-kv";
  agreement.dtype = "fp32";
  agreement.device = "cpu";
  agreement.batch = 4;
  agreement.samples = 8;
  agreement.bootstrap = {.resamples = 500, .seed = 3};
  agreement.overall = {{0.5, 0.4, 0.6}, {5, 4, 6}, {0.4, -0.1, 0.9}, {0.75, 0.5, 1}};
  agreement.scales = {agreement.overall,
                      {{0, 0, 0}, {3, std::nan(""), std::nan("")}, {-0.5, -1, 0}, {1, 1, 1}}};
  return agreement;
}

class ForcedFile : public ::testing::Test {
 protected:
  ForcedAgreement load() const {
    std::ofstream(path_) << json_;
    return load_forced_agreement(path_);
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
  nlohmann::json json_ = to_json(example_agreement());
};

TEST_F(ForcedFile, ComesBackEqual) {
  const ForcedAgreement agreement = load();
  EXPECT_EQ(to_json(agreement), json_);
  EXPECT_EQ(agreement.scales.at(1).nll_rise_nats.value, -0.5);
}

TEST_F(ForcedFile, WhatIsNotKnownIsNull) {
  EXPECT_TRUE(json_["scales"][1]["nll_nats"]["low"].is_null());
  EXPECT_TRUE(std::isnan(load().scales.at(1).nll_nats.low));
}

TEST_F(ForcedFile, RefusesFiguresThatCannotBe) {
  json_["overall"]["top1_agreement"]["high"] = 1.5;
  EXPECT_THAT(message(), HasSubstr("overall.top1_agreement.high to be from 0 to 1, got 1.5"));
  json_ = to_json(example_agreement());
  json_["scales"][1]["kl_nats"]["value"] = -0.5;
  EXPECT_THAT(message(), HasSubstr("scales[1].kl_nats.value"));
  json_ = to_json(example_agreement());
  json_["overall"]["kl_nats"]["low"] = 0.7;
  EXPECT_THAT(message(), HasSubstr("overall.kl_nats.low to be at most high"));
}

TEST_F(ForcedFile, RefusesWhatIsMissingUnknownOrOfAnotherSchema) {
  json_.erase("against_capture_id");
  EXPECT_THAT(message(), HasSubstr("against_capture_id"));
  json_ = to_json(example_agreement());
  json_["scales"][0]["perplexity"] = 2;
  EXPECT_THAT(message(), HasSubstr("scales[0].perplexity"));
  json_ = to_json(example_agreement());
  json_["schema"] = "kvscope.scores/1";
  EXPECT_THAT(message(), HasSubstr("kvscope.forced/1"));
}

}  // namespace
}  // namespace kvscope
