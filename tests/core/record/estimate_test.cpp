// What a user would lose: an interval that comes back as another one, or a figure out of nowhere.

#include "core/record/estimate.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// An accuracy.
Estimate read(const nlohmann::json& json) {
  return parse_estimate(JsonFields(json, "scores", "s.json", "accuracy"), 0, 1);
}

TEST(Estimate, ComesBackAsItWasAndNotKnownAsNull) {
  const Estimate known = read(to_json(Estimate{2.0 / 3, 0.5, 1}));
  EXPECT_EQ(known.value, 2.0 / 3);
  EXPECT_EQ(known.low, 0.5);
  EXPECT_EQ(known.high, 1);
  const nlohmann::json json = to_json(Estimate{.value = 0.25});
  EXPECT_TRUE(json.at("low").is_null()) << "NaN is no JSON";
  const Estimate one_image = read(json);
  EXPECT_EQ(one_image.value, 0.25);
  EXPECT_TRUE(std::isnan(one_image.low));
  EXPECT_TRUE(std::isnan(one_image.high));
}

TEST(Estimate, RefusesWhatNoMeasurementGives) {
  const auto refused = [](const char* value, const char* low, const char* high) {
    return [=] {
      (void)read({{"value", nlohmann::json::parse(value)},
                  {"low", nlohmann::json::parse(low)},
                  {"high", nlohmann::json::parse(high)}});
    };
  };
  EXPECT_THAT(refused("0.5", "0.6", "0.4"),
              ThrowsMessage<BadInput>(HasSubstr("accuracy.low to be at most high, got 0.6")));
  EXPECT_THAT(refused("1.5", "null", "null"),
              ThrowsMessage<BadInput>(HasSubstr("accuracy.value to be from 0 to 1, got 1.5")));
  EXPECT_THAT(refused("0.5", "0.4", "1.1"), ThrowsMessage<BadInput>(HasSubstr("accuracy.high")));
}

TEST(Bootstrap, OptionsComeBackOrAreRefusedByName) {
  const BootstrapOptions given{.resamples = 500, .confidence = 0.9, .seed = 18446744073709551615U};
  nlohmann::json json = to_json(given);
  const auto parsed = [&] { return parse_bootstrap(JsonFields(json, "scores", "s.json")); };
  EXPECT_EQ(parsed().resamples, 500);
  EXPECT_EQ(parsed().confidence, 0.9);
  EXPECT_EQ(parsed().seed, given.seed);
  json["confidence"] = 95;
  EXPECT_THAT([&] { (void)parsed(); },
              ThrowsMessage<BadInput>(HasSubstr("confidence to be between 0 and 1, got 95")));
  json = to_json(given);
  json["resamples"] = 1LL << 31;
  EXPECT_THAT([&] { (void)parsed(); }, ThrowsMessage<BadInput>(HasSubstr("below 2^31")));
}

}  // namespace
}  // namespace kvscope
