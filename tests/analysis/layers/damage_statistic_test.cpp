#include "analysis/layers/damage_statistic.h"

#include <cmath>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

const std::vector<LayerDamage> scored = {{0.01, 2.5, 0.2}, {0.0, -0.5, 0.4}, {0.3, 9, 0.3}};

Json results_of(const std::vector<LayerDamage>& layers) {
  Json json = {{"schema", "kvscope.sweep/1"},
               {"weights_sha256", "abc"},
               {"model", {{"depth", layers.size()}}},
               {"damage", Json::array()}};
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    json["damage"].push_back(to_json(layers[layer], static_cast<int>(layer)));
  }
  return json;
}

class DamageStatistic : public ::testing::Test {
 protected:
  MeasuredDamage load(const Json& json) {
    std::ofstream(folder_ / "results.json") << json.dump();
    return load_measured_damage(folder_ / "results.json");
  }
  std::string error_after(const std::function<void(Json&)>& change) {
    Json json = results_of(scored);
    change(json);
    try {
      (void)load(json);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "no error";
  }
  testing::TempDir folder_;
};

TEST_F(DamageStatistic, ReadsWhatASweepWrites) {
  const MeasuredDamage damage = load(results_of(scored));
  EXPECT_EQ(damage.layers, scored);
  EXPECT_EQ(damage.weights_sha256, "abc");
}

TEST_F(DamageStatistic, TheLayerWithMostChangedTokensIsTheLowest) {
  const LayerStatisticValues statistics = damage_statistic(load(results_of(scored)));
  EXPECT_THAT(statistics.mean, ElementsAre(-0.2, -0.4, -0.3));
  EXPECT_TRUE(std::isnan(statistics.low[0]));
  EXPECT_THAT(statistics.meaning, HasSubstr("tokens"));
}

TEST_F(DamageStatistic, ReadsASweepThatWasNotScored) {
  std::vector<LayerDamage> unscored = scored;
  for (LayerDamage& layer : unscored) layer.accuracy_drop = layer.frechet_rise = std::nullopt;
  const MeasuredDamage damage = load(results_of(unscored));
  EXPECT_EQ(damage.layers, unscored);
  EXPECT_THAT(damage_statistic(damage).mean, ElementsAre(-0.2, -0.4, -0.3));
}

TEST_F(DamageStatistic, RefusesOtherFiles) {
  EXPECT_THAT(error_after([](Json& j) { j["schema"] = "kvscope.budget/1"; }),
              HasSubstr("kvscope.sweep/1"));
  EXPECT_THAT(error_after([](Json& j) { j.erase("damage"); }), HasSubstr("--single-layers"));
  EXPECT_THAT(error_after([](Json& j) { j["damage"].erase(2); }),
              HasSubstr("one entry for each of 3 layers"));
  EXPECT_THAT(error_after([](Json& j) { j["damage"][1]["layer"] = 2; }),
              HasSubstr("damage[1].layer"));
  EXPECT_THAT(error_after([](Json& j) { j["damage"][1].erase("frechet_rise"); }),
              HasSubstr("damage[1].frechet_rise"));
  EXPECT_THAT(error_after([](Json& j) { j["damage"][0]["token_disagreement"] = "much"; }),
              HasSubstr("damage[0].token_disagreement"));
}

}  // namespace
}  // namespace kvscope
