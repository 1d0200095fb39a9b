#include "core/geometry/model_config.h"

#include <functional>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace kvscope {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::function<void(nlohmann::json&)>& change) {
  nlohmann::json json = to_json(named_model_config("demo"));
  change(json);
  try {
    parse_model_config(json.dump(), "config.json");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(ModelConfig, SurvivesItsFile) {
  for (const std::string& name : model_config_names()) {
    const ModelConfig config = named_model_config(name);
    EXPECT_EQ(parse_model_config(to_json(config).dump(), name), config) << name;
  }
}

TEST(ModelConfig, NamedSizesAreThePublishedOnes) {
  const ModelConfig d30 = named_model_config("d30");
  EXPECT_EQ(d30.width, 1920);
  EXPECT_EQ(d30.head_dim(), 64);
  EXPECT_FALSE(d30.shared_aln);
  const ModelConfig d36 = named_model_config("d36-512");
  EXPECT_TRUE(d36.shared_aln);
  EXPECT_EQ(d36.schedule().total_tokens(), 2240);
  EXPECT_THROW(named_model_config("d31"), UsageError);
}

TEST(ModelConfig, EmbeddedDemoIsTheNamedDemo) {
  ModelConfig demo = named_model_config("demo");
  const ModelConfig embedded =
      load_model_config(std::string(KVSCOPE_SOURCE_DIR) + "/data/demo/config.json");
  demo.class_names = embedded.class_names;
  EXPECT_EQ(embedded, demo);
}

TEST(ModelConfig, FillsInTheDocumentedDefaults) {
  nlohmann::json json = to_json(named_model_config("demo"));
  json.erase("mlp_ratio");
  json.erase("vae_num_res_blocks");
  for (const char* key :
       {"share_quant_resi", "default_qresi_counts", "quant_resi", "quant_conv_ks"}) {
    EXPECT_FALSE(json.contains(key)) << key << " as the official class has it is not stored";
  }
  const ModelConfig config = parse_model_config(json.dump(), "config.json");
  EXPECT_EQ(config.mlp_ratio, 4);
  EXPECT_EQ(config.vae_num_res_blocks, 2);
  EXPECT_EQ(config.share_quant_resi, 4);
  EXPECT_EQ(config.default_qresi_counts, 0);
  EXPECT_EQ(config.quant_resi, 0.5);
  EXPECT_EQ(config.quant_conv_ks, 3);
}

// Lost without it: a capture of such a model would be read as one of the usual quantizer.
TEST(ModelConfig, KeepsAnotherQuantizer) {
  ModelConfig config = named_model_config("demo");
  config.share_quant_resi = 0;
  config.default_qresi_counts = 7;
  config.quant_resi = -0.25;
  config.quant_conv_ks = 1;
  EXPECT_EQ(parse_model_config(to_json(config).dump(), "config.json"), config);
}

TEST(ModelConfig, RefusalsNameTheKey) {
  EXPECT_THAT(refusal([](auto& json) { json.erase("vocab"); }), HasSubstr("vocab"));
  EXPECT_THAT(refusal([](auto& json) { json["dpeth"] = 1; }), HasSubstr("'dpeth'"));
  EXPECT_THAT(refusal([](auto& json) { json["heads"] = 5; }), HasSubstr("multiple of heads"));
  EXPECT_THAT(refusal([](auto& json) { json["image_size"] = 65; }), HasSubstr("image_size"));
  EXPECT_THAT(refusal([](auto& json) { json["patch_nums"] = {4, 2}; }), HasSubstr("patch_nums"));
  EXPECT_THAT(refusal([](auto& json) { json["vae_ch"] = 24; }), HasSubstr("vae_ch"));
  EXPECT_THAT(refusal([](auto& json) { json["sampling"]["top_p"] = 1.5; }),
              HasSubstr("sampling.top_p"));
  EXPECT_THAT(refusal([](auto& json) { json["sampling"]["cfg"] = 1e308; }),
              HasSubstr("sampling.cfg to be a number from 0 to 1000"));
  EXPECT_THAT(refusal([](auto& json) { json["sampling"]["top_k"] = (1LL << 32) + 5; }),
              HasSubstr("sampling.top_k"));
  EXPECT_THAT(refusal([](auto& json) { json["class_names"] = {"one"}; }), HasSubstr("class_names"));
  EXPECT_THAT(refusal([](auto& json) { json["depth"] = 0; }), HasSubstr("depth"));
  EXPECT_THAT(refusal([](auto& json) { json["share_quant_resi"] = -1; }),
              HasSubstr("share_quant_resi"));
  EXPECT_THAT(refusal([](auto& json) { json["default_qresi_counts"] = 5; }),
              HasSubstr("default_qresi_counts"));
  EXPECT_THAT(refusal([](auto& json) { json["quant_resi"] = 1.5; }), HasSubstr("quant_resi"));
  EXPECT_THAT(refusal([](auto& json) { json["quant_conv_ks"] = 2; }), HasSubstr("quant_conv_ks"));
}

}  // namespace
}  // namespace kvscope
