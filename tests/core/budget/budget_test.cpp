#include "core/budget/budget.h"

#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/budget/policies/keep_capacity.h"
#include "core/budget/policies/keep_local.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Budget full_budget() {
  Budget budget;
  budget.policy = ams_kv_policy;
  budget.model = {.depth = 3, .heads = 2, .head_dim = 64, .patch_nums = {1, 2, 3, 4}};
  budget.layers = {{.layer_class = LayerClass::demanding, .rule = KeepAll{}},
                   {.layer_class = LayerClass::efficient, .rule = KeepLocal{2, 1}},
                   {.layer_class = LayerClass::efficient, .rule = KeepCapacity{2, 20}}};
  budget.rule = {.capture_id = "5f0c",
                 .choice = "kv-memory",
                 .statistic = "cosine-key",
                 .theta = 0.1,
                 .demanding_layers = 1,
                 .ratio = 0.2,
                 .of = "read",
                 .kv_memory_bytes = 123456,
                 .fill = true};
  budget.expected = {.logical_peak_bytes = 1000,
                     .resident_peak_bytes = 1500,
                     .batch = 4,
                     .key_element_bytes = 4,
                     .value_element_bytes = 2,
                     .ratio_of_read = 0.25,
                     .ratio_of_final = 1.0 / 3};
  return budget;
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_budget(text, "b.json");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "no error";
}

std::string error_after(const std::function<void(Json&)>& change) {
  Json json = to_json(full_budget());
  change(json);
  return error_of(json.dump());
}

TEST(Budget, RoundTripsThroughJson) {
  const Budget budget = full_budget();
  EXPECT_EQ(parse_budget(to_json(budget).dump(), "b.json"), budget);
  Budget bare = budget;
  bare.rule.reset();
  bare.expected.reset();
  EXPECT_EQ(parse_budget(to_json(bare).dump(), "b.json"), bare);
  EXPECT_FALSE(to_json(bare).contains("rule"));
}

TEST(Budget, RoundTripsThroughAFile) {
  const testing::TempDir dir;
  std::ofstream(dir / "b.json") << to_json(full_budget()).dump(2);
  EXPECT_EQ(load_budget(dir / "b.json"), full_budget());
  EXPECT_THROW((void)load_budget(dir / "none.json"), BadInput);
}

// budget_schema_test.py holds the same file against data/schema/budget.schema.json: budgets that
// are written are budgets that the schema allows.
TEST(Budget, WritesTheGoldenFile) {
  std::ifstream golden(KVSCOPE_SOURCE_DIR "/tests/golden/budget/full.json");
  EXPECT_EQ(to_json(full_budget()), Json::parse(golden));
}

// Files that were written before runs were predicted.
TEST(Budget, LoadsAnExpectationWithoutResidentBytes) {
  Json json = to_json(full_budget());
  json["expected"].erase("resident_peak_bytes");
  const Budget budget = parse_budget(json.dump(), "b.json");
  EXPECT_FALSE(budget.expected->resident_peak_bytes);
  EXPECT_EQ(to_json(budget), json);
}

TEST(Budget, TakesLayersInAnyOrder) {
  Json json = to_json(full_budget());
  std::swap(json["layers"][0], json["layers"][2]);
  EXPECT_EQ(parse_budget(json.dump(), "b.json"), full_budget());
}

TEST(Budget, VanillaKeepsAll) {
  const Budget budget = vanilla_budget(budget_model_of(named_model_config("d16")));
  EXPECT_EQ(budget.layers.size(), 16U);
  EXPECT_EQ(parse_budget(to_json(budget).dump(), "b.json"), budget);
}

struct BadField {
  const char* name;
  std::function<void(Json&)> change;
  const char* message;
};

TEST(Budget, NamesTheWrongField) {
  const std::vector<BadField> cases = {
      {"schema", [](Json& j) { j["schema"] = "kvscope.budget/2"; }, "schema to be"},
      {"no schema", [](Json& j) { j.erase("schema"); }, "schema to be"},
      {"unknown key", [](Json& j) { j["comment"] = "x"; }, "'comment'"},
      {"misspelt rule",
       [](Json& j) {
         j["layers"][0].erase("keep");
         j["layers"][0]["capacity_token"] = 20;
       },
       "got none; is 'capacity_token' meant for 'capacity_tokens'?"},
      {"policy", [](Json& j) { j["policy"] = "lru"; }, "policy to be one of vanilla, ams-kv"},
      {"vanilla evicts", [](Json& j) { j["policy"] = "vanilla"; }, "layers[1].keep to be \"all\""},
      {"no model", [](Json& j) { j.erase("model"); }, "model to be"},
      {"model list", [](Json& j) { j["model"] = {1}; }, "model to be an object"},
      {"depth 0", [](Json& j) { j["model"]["depth"] = 0; }, "model.depth"},
      {"depth huge", [](Json& j) { j["model"]["depth"] = 1LL << 40; }, "model.depth"},
      {"head_dim", [](Json& j) { j["model"]["head_dim"] = 1.5; }, "model.head_dim"},
      {"patch_nums", [](Json& j) { j["model"]["patch_nums"] = {2, 1}; }, "model.patch_nums"},
      {"model key", [](Json& j) { j["model"]["x"] = 1; }, "'model.x'"},
      {"layers object", [](Json& j) { j["layers"] = Json::object(); }, "layers to be a list"},
      {"layer missing", [](Json& j) { j["layers"].erase(1); }, "one entry for each of 3 layers"},
      {"layer twice", [](Json& j) { j["layers"][1]["layer"] = 0; }, "layers[1].layer"},
      {"layer range", [](Json& j) { j["layers"][1]["layer"] = 3; }, "layers[1].layer"},
      {"layer text", [](Json& j) { j["layers"][1]["layer"] = "1"; }, "layers[1].layer"},
      {"layer no object", [](Json& j) { j["layers"][1] = 1; }, "layers[1] to be an object"},
      {"class", [](Json& j) { j["layers"][1]["class"] = "lazy"; }, "layers[1].class"},
      {"no class", [](Json& j) { j["layers"][1].erase("class"); }, "layers[1].class"},
      {"keep", [](Json& j) { j["layers"][0]["keep"] = "most"; }, "layers[0].keep"},
      {"no rule", [](Json& j) { j["layers"][0].erase("keep"); },
       "layers[0] to have exactly one of keep, local_scales and capacity_tokens, got none"},
      {"two rules", [](Json& j) { j["layers"][1]["capacity_tokens"] = 9; },
       "got local_scales and capacity_tokens"},
      {"keep and condensed", [](Json& j) { j["layers"][0]["condensed_scales"] = 2; },
       "'layers[0].condensed_scales'"},
      {"no condensed", [](Json& j) { j["layers"][1].erase("condensed_scales"); },
       "layers[1].condensed_scales"},
      {"condensed", [](Json& j) { j["layers"][1]["condensed_scales"] = 5; },
       "layers[1].condensed_scales to be a whole number from 0 to 4"},
      {"local", [](Json& j) { j["layers"][1]["local_scales"] = -1; }, "layers[1].local_scales"},
      {"capacity", [](Json& j) { j["layers"][2]["capacity_tokens"] = 4; },
       "layers[2].capacity_tokens to be at least 5, the tokens of its 2 condensed scales, got 4"},
      {"layer key", [](Json& j) { j["layers"][2]["locals"] = 4; }, "'layers[2].locals'"},
      {"choice", [](Json& j) { j["rule"]["choice"] = "dice"; }, "rule.choice"},
      {"metric", [](Json& j) { j["rule"]["statistic"] = 1; }, "rule.statistic"},
      {"tensor", [](Json& j) { j["rule"]["tensor"] = "query"; }, "rule.tensor"},
      {"theta", [](Json& j) { j["rule"]["theta"] = "low"; }, "rule.theta"},
      {"ratio", [](Json& j) { j["rule"]["ratio"] = -0.1; }, "rule.ratio"},
      {"of", [](Json& j) { j["rule"]["of"] = "peak"; }, "rule.of"},
      {"bytes", [](Json& j) { j["rule"]["kv_memory_bytes"] = -1; }, "rule.kv_memory_bytes"},
      {"count", [](Json& j) { j["rule"]["demanding_layers"] = 0.5; }, "rule.demanding_layers"},
      {"rule key", [](Json& j) { j["rule"]["x"] = 1; }, "'rule.x'"},
      {"peak", [](Json& j) { j["expected"].erase("logical_peak_bytes"); },
       "expected.logical_peak_bytes"},
      {"resident", [](Json& j) { j["expected"]["resident_peak_bytes"] = -1; },
       "expected.resident_peak_bytes"},
      {"batch", [](Json& j) { j["expected"]["batch"] = 0; }, "expected.batch"},
      {"element", [](Json& j) { j["expected"]["key_element_bytes"] = 0; },
       "expected.key_element_bytes"},
      {"element huge", [](Json& j) { j["expected"]["value_element_bytes"] = 1LL << 60; },
       "expected.value_element_bytes to be a whole number from 1 to 8"},
      {"batch huge", [](Json& j) { j["expected"]["batch"] = 1 << 21; }, "expected.batch"},
      {"expected key", [](Json& j) { j["expected"]["x"] = 1; }, "'expected.x'"},
  };
  for (const BadField& bad : cases) {
    const std::string message = error_after(bad.change);
    EXPECT_THAT(message, HasSubstr("[budget] b.json: expected")) << bad.name;
    EXPECT_THAT(message, HasSubstr(bad.message)) << bad.name;
  }
}

TEST(Budget, RefusesTextThatIsNoJson) {
  EXPECT_THAT(error_of(""), HasSubstr("b.json: expected valid JSON"));
  EXPECT_THAT(error_of("{\n\"schema\":"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("[]"), HasSubstr("a JSON object"));
}

TEST(Budget, SaysHowItDiffersFromTheModel) {
  const ModelConfig d16 = named_model_config("d16");
  const Budget budget = vanilla_budget(budget_model_of(d16));
  EXPECT_NO_THROW(check_budget_fits(budget, d16, "b.json"));
  const auto message = [&](const ModelConfig& config) -> std::string {
    try {
      check_budget_fits(budget, config, "b.json");
    } catch (const BadInput& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message(named_model_config("d20")),
            "[budget] b.json: expected model.depth to be 20, as in model d20, got 16");
  ModelConfig other = d16;
  other.heads = 8;
  EXPECT_THAT(message(other), HasSubstr("model.heads to be 8"));
  other = d16;
  other.width = 512;
  EXPECT_THAT(message(other), HasSubstr("model.head_dim to be 32"));
  other = d16;
  other.patch_nums = {1, 2, 4, 16};
  EXPECT_THAT(message(other), HasSubstr("model.patch_nums to be [1, 2, 4, 16]"));
}

}  // namespace
}  // namespace kvscope
