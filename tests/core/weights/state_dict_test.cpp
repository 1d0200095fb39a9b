// What a user would lose: a model with weights that are missing, foreign, misshapen or spoiled
// would draw noise instead of saying what is wrong.

#include "core/weights/state_dict.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/weights/tensors.h"
#include "tests/support/small_model.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using kvscope::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string golden = std::string(KVSCOPE_SOURCE_DIR) + "/tests/golden/var_parity";
const std::string demo = std::string(KVSCOPE_SOURCE_DIR) + "/data/demo";

/// A model in a folder of its own.
class ModelFolder : public ::testing::Test {
 protected:
  ModelFolder() {
    config_.width = 8;
    config_.vocab = 16;
    config_.z_channels = 4;
    config_.sampling = {.cfg = 1.5, .top_k = 4, .top_p = 0.9};
    weights_ = random_model(config_, 1).weights;
  }

  std::string folder() const { return folder_.path().string(); }
  std::string weights_path() const { return folder_ / "weights.safetensors"; }

  void write() const {
    std::ofstream(folder_ / "config.json") << to_json(config_);
    write_safetensors(weights_path(), weights_);
  }

  /// Names another element type for a tensor in the file that was written.
  void retype(const std::string& name, const std::string& dtype) const {
    std::ifstream in(weights_path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    nlohmann::json header = nlohmann::json::parse(bytes.substr(sizeof(length), length));
    header[name]["dtype"] = dtype;
    const std::string text = header.dump();
    length = text.size();
    std::ofstream out(weights_path(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof(length));
    out << text << bytes.substr(bytes.size() - data_bytes(header));
  }

  static std::size_t data_bytes(const nlohmann::json& header) {
    std::size_t end = 0;
    for (const auto& entry : header) {
      end = std::max(end, entry.at("data_offsets").at(1).get<std::size_t>());
    }
    return end;
  }

  std::string message_of_loading() const {
    try {
      load_model_folder(folder());
    } catch (const BadInput& error) {
      return error.what();
    }
    return "it was loaded";
  }

  std::string message_after_writing() const {
    write();
    return message_of_loading();
  }

  TempDir folder_;
  ModelConfig config_ = testing::small_model({1, 2});
  StateDict weights_;
};

TEST(GoldenFolders, HoldExactlyTheExpectedParameters) {
  const LoadedModel golden_model = load_model_folder(golden);
  EXPECT_EQ(golden_model.config.name, "hA");
  EXPECT_EQ(golden_model.weights.size(), expected_parameters(golden_model.config).size());
  EXPECT_EQ(golden_model.weights.at("var.pos_1LC").sizes(), at::IntArrayRef({1, 680, 128}));
  EXPECT_EQ(golden_model.weights.at("var.pos_1LC").scalar_type(), at::kHalf);
  // The embedded demo shares its adaLN and has another VQVAE.
  const LoadedModel demo_model = load_model_folder(demo);
  EXPECT_EQ(demo_model.weights.at("var.blocks.11.ada_gss").sizes(),
            at::IntArrayRef({1, 1, 6, 192}));
}

TEST(GoldenFolders, AreNamedByTheirSha256) {
  // sha256sum tests/golden/var_parity/weights.safetensors
  EXPECT_EQ(load_model_folder(golden).weights_sha256,
            "196fe480bac5640840cf6a2cac09a5c71c5beebcc5f7d6af05ad97e7b343d492");
}

// Table 1 of the VAR paper (arXiv 2404.02905) and the model zoo: millions of parameters.
TEST(ExpectedParameters, AddUpToThePublishedSizes) {
  const auto millions = [](std::string_view name) {
    double count = 0;
    for (const auto& [parameter, shape] : expected_parameters(named_model_config(name))) {
      if (!parameter.starts_with("var.")) continue;
      double elements = 1;
      for (const std::int64_t size : shape) elements *= static_cast<double>(size);
      count += elements;
    }
    return count / 1e6;
  };
  EXPECT_NEAR(millions("d16"), 310, 1);
  EXPECT_NEAR(millions("d20"), 601, 1);
  EXPECT_NEAR(millions("d24"), 1033, 1);
  EXPECT_NEAR(millions("d30"), 2010, 1);
  EXPECT_NEAR(millions("d36-512"), 2354, 1);
}

TEST_F(ModelFolder, ComesBackEqual) {
  write();
  const LoadedModel loaded = load_model_folder(folder());
  EXPECT_EQ(loaded.config, config_);
  ASSERT_EQ(loaded.weights.size(), weights_.size());
  for (const auto& [name, tensor] : weights_) {
    EXPECT_TRUE(loaded.weights.at(name).equal(tensor)) << name;
  }
}

TEST_F(ModelFolder, ScaleMulComesOnlyWithTheL2Norm) {
  EXPECT_TRUE(expected_parameters(config_).contains("var.blocks.0.attn.scale_mul_1H11"));
  config_.attn_l2_norm = false;
  EXPECT_FALSE(expected_parameters(config_).contains("var.blocks.0.attn.scale_mul_1H11"));
  EXPECT_THAT(message_after_writing(), HasSubstr("2 unexpected (var.blocks.0.attn.scale_mul_1H11, "
                                                 "var.blocks.1.attn.scale_mul_1H11)"));
}

TEST_F(ModelFolder, OfficialBuffersAreToleratedAndNotReturned) {
  const float infinity = std::numeric_limits<float>::infinity();
  weights_["var.lvl_1L"] = at::zeros({1, 5}, at::TensorOptions(at::kLong));
  weights_["var.attn_bias_for_masking"] = at::full({1, 1, 5, 5}, -infinity);
  weights_["var.blocks.0.attn.zero_k_bias"] = at::zeros({8});
  weights_["vae.quantize.ema_vocab_hit_SV"] = at::zeros({2, 16});
  write();
  EXPECT_EQ(load_model_folder(folder()).weights.size(), expected_parameters(config_).size());
}

// Buffers as torch.bool, uint8 or float8 come from checkpoints that were shrunk or compiled.
TEST_F(ModelFolder, BuffersMayBeOfAnyType) {
  weights_["var.attn_bias_for_masking"] = at::zeros({25}, at::TensorOptions(at::kFloat));
  weights_["var.lvl_1L"] = at::zeros({5}, at::TensorOptions(at::kLong));
  weights_["vae.quantize.ema_vocab_hit_SV"] = at::zeros({32}, at::TensorOptions(at::kFloat));
  write();
  retype("var.attn_bias_for_masking", "BOOL");
  retype("var.lvl_1L", "U8");
  retype("vae.quantize.ema_vocab_hit_SV", "F8_E4M3");
  EXPECT_EQ(load_model_folder(folder()).weights.size(), expected_parameters(config_).size());
}

TEST_F(ModelFolder, ParametersOfATypeThatIsNotReadAreRefused) {
  write();
  retype("var.head.bias", "F8_E4M3");
  EXPECT_THAT(message_of_loading(),
              HasSubstr("var.head.bias to be F16, BF16, F32 or F64, got F8_E4M3"));
}

TEST_F(ModelFolder, AllParameterTypesAreTaken) {
  int next = 0;
  for (auto& [name, tensor] : weights_) {
    const std::array types = {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble};
    tensor = tensor.to(types[static_cast<std::size_t>(next++ % 4)]);
  }
  EXPECT_EQ(message_after_writing(), "it was loaded");
}

TEST_F(ModelFolder, MissingParametersAreNamedAndCounted) {
  for (const char* name : {"var.head.bias", "var.head.weight", "var.pos_1LC", "var.pos_start",
                           "var.word_embed.bias"}) {
    weights_.erase(name);
  }
  EXPECT_THAT(message_after_writing(),
              AllOf(HasSubstr("[weights] " + weights_path()),
                    HasSubstr("5 missing (var.head.bias, var.head.weight, var.pos_1LC, "
                              "var.pos_start, …)")));
}

TEST_F(ModelFolder, UnexpectedParametersAreNamed) {
  weights_["var.blocks.2.attn.zero_k_bias"] = at::zeros({8});
  weights_["extra"] = at::zeros({1});
  EXPECT_THAT(message_after_writing(),
              HasSubstr("2 unexpected (extra, var.blocks.2.attn.zero_k_bias)"));
}

TEST_F(ModelFolder, WrongShapeIsRefused) {
  weights_["vae.quant_conv.bias"] = at::zeros({5});
  EXPECT_THAT(message_after_writing(), HasSubstr("vae.quant_conv.bias of shape [4], got [5]"));
}

TEST_F(ModelFolder, IntegerParametersAreRefused) {
  weights_["var.head.bias"] = at::zeros({16}, at::TensorOptions(at::kInt));
  EXPECT_THAT(message_after_writing(),
              HasSubstr("var.head.bias to be F16, BF16, F32 or F64, got I32"));
}

TEST_F(ModelFolder, NanAndInfinityAreRefusedInEveryType) {
  for (const auto type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
      at::Tensor spoiled = at::zeros({16}, at::TensorOptions(at::kDouble));
      spoiled[15] = bad;
      weights_["var.head.bias"] = spoiled.to(type);
      EXPECT_THAT(message_after_writing(), HasSubstr("var.head.bias to be finite"));
    }
  }
  weights_["var.head.bias"] = at::full({16}, 65504.0, at::TensorOptions(at::kHalf));
  EXPECT_EQ(message_after_writing(), "it was loaded") << "the largest fp16 is finite";
}

TEST_F(ModelFolder, MissingEmptyAndTruncatedFilesAreRefused) {
  write();
  const auto whole = std::filesystem::file_size(weights_path());
  for (const std::uintmax_t size :
       {whole - 1, whole / 2, std::uintmax_t{100}, std::uintmax_t{4}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(weights_path(), size);
    EXPECT_THAT(message_of_loading(), HasSubstr("[safetensors] " + weights_path())) << size;
  }
  std::filesystem::remove(weights_path());
  EXPECT_THAT(message_of_loading(), HasSubstr("No such file"));
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(message_of_loading(), HasSubstr("config.json"));
}

TEST_F(ModelFolder, AnAbsurdDepthIsRefusedWithoutListingItsParameters) {
  config_.depth = std::numeric_limits<int>::max();
  EXPECT_THAT(message_after_writing(), HasSubstr("depth = 2147483647"));
}

}  // namespace
}  // namespace kvscope
