// What a user would lose: figures of another network than the one that was trained, or of damaged
// weights.

#include "analysis/quality/scorer.h"

#include <filesystem>
#include <fstream>
#include <functional>

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_fields.h"
#include "core/weights/tensors.h"
#include "tests/support/temp_dir.h"

namespace kvscope {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// Written by scripts/make_golden_scorer.py with PyTorch.
const std::string golden = KVSCOPE_SOURCE_DIR "/tests/golden/scorer";

std::vector<Image> images_of(const at::Tensor& pictures) {
  std::vector<Image> images;
  const at::Tensor bytes = pictures.to(at::kByte).contiguous();
  for (std::int64_t i = 0; i < bytes.size(0); ++i) {
    Image& image =
        images.emplace_back(static_cast<int>(bytes.size(2)), static_cast<int>(bytes.size(1)));
    const at::Tensor one = bytes[i];
    std::copy_n(one.const_data_ptr<std::uint8_t>(), image.rgb.size(), image.rgb.begin());
  }
  return images;
}

struct Golden {
  Golden() : file(golden + "/golden.safetensors") {}
  at::Tensor tensor(const std::string& name) const {
    return tensor_of(file, file.tensors().find(name)->second);
  }
  SafetensorsFile file;
};

TEST(Scorer, SeesWhatPyTorchSees) {
  const Golden expected;
  const Scorer scorer(golden, at::kCPU);
  const Judgement judgement = scorer.judge(images_of(expected.tensor("pictures")));
  // fp32 sums in another order.
  const auto distance = [](const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<float>();
  };
  EXPECT_LT(distance(judgement.features, expected.tensor("features")), 1e-5);
  EXPECT_LT(distance(judgement.logits, expected.tensor("logits")), 1e-5);
  const at::Tensor classes = expected.tensor("logits").argmax(1).to(at::kInt);
  EXPECT_THAT(judgement.predicted,
              ElementsAreArray(classes.const_data_ptr<std::int32_t>(), classes.numel()));
  // Relative to the distance: that of features off by 1e-5, from another root of the covariances.
  const double frechet = expected.tensor("demo_frechet_distance").item<double>();
  EXPECT_NEAR(scorer.distance().to_samples(judgement.features), frechet, 1e-4 * frechet);
}

TEST(Scorer, IsNamedByTheDigestOfItsWeights) {
  const ScorerRecord record = Scorer(golden, at::kCPU).record();
  EXPECT_EQ(record.name, "tiny-scorer");
  // sha256sum tests/golden/scorer/weights.safetensors
  EXPECT_EQ(record.sha256, "5f8d31c71f9f54ed797a05103a6ffa40cd8e7b7f4323acb1019ef52bc813243b");
}

TEST(Scorer, RefusesImagesOfAnotherSize) {
  const std::vector<Image> images = {Image(12, 10)};
  EXPECT_THAT([&] { Scorer(golden, at::kCPU).judge(images); },
              ::testing::ThrowsMessage<Error>(HasSubstr("12 × 12 pixels, got 12 × 10")));
}

TEST(Scorer, KnowsOneModelAndItsClasses) {
  const Scorer scorer(golden, at::kCPU);
  ModelConfig model;
  model.name = "tiny";
  model.image_size = 12;
  model.classes = 5;
  EXPECT_NO_THROW(scorer.check_knows(model, "a.h5"));
  model.image_size = 24;
  EXPECT_THAT([&] { scorer.check_knows(model, "a.h5"); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("24 pixels")));
  model.name = "d16";
  EXPECT_THAT([&] { scorer.check_knows(model, "a.h5"); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("--npz")));
  const std::vector<std::int32_t> unconditional = {4, 5};
  EXPECT_THAT([&] { scorer.check_labels(unconditional, "a.h5"); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("got 5")));
}

class ScorerFolder : public ::testing::Test {
 protected:
  ScorerFolder() {
    std::filesystem::copy(golden, folder_.path());
    const SafetensorsFile file(golden + "/weights.safetensors");
    for (const auto& [name, view] : file.tensors()) tensors_[name] = tensor_of(file, view).clone();
    config_ = read_json_file(golden + "/scorer.json", "test");
  }

  std::string message_after_writing() {
    write_safetensors(folder_ / "weights.safetensors", tensors_);
    std::ofstream(folder_ / "scorer.json") << config_;
    try {
      Scorer(folder_.path().string(), at::kCPU);
    } catch (const BadInput& error) {
      return error.what();
    }
    return "it was loaded";
  }

  testing::TempDir folder_;
  std::map<std::string, at::Tensor, std::less<>> tensors_;
  nlohmann::json config_;
};

TEST_F(ScorerFolder, ComesBack) { EXPECT_EQ(message_after_writing(), "it was loaded"); }

TEST_F(ScorerFolder, NamesTensorsThatAreMissingOrTooMany) {
  tensors_.erase("convolutions.1.bias");
  tensors_["norms.0.weight"] = at::zeros({6});
  EXPECT_THAT(message_after_writing(),
              HasSubstr("the 12 parameters that scorer.json calls for, got 1 missing "
                        "(convolutions.1.bias) and 1 unexpected (norms.0.weight)"));
}

TEST_F(ScorerFolder, NamesATensorThatDoesNotFitTheOneBefore) {
  tensors_["convolutions.1.weight"] = at::zeros({8, 5, 3, 3});
  EXPECT_THAT(message_after_writing(), HasSubstr("convolutions.1.weight of shape [8, 6, 3, 3]"));
}

TEST_F(ScorerFolder, NamesATensorOfNoLayer) {
  tensors_["features.weight"] = at::zeros({});
  EXPECT_THAT(message_after_writing(), HasSubstr("features.weight of shape"));
}

TEST_F(ScorerFolder, RefusesOtherClassesThanItsConfig) {
  config_["classes"] = 6;
  EXPECT_THAT(message_after_writing(), HasSubstr("classes.weight of shape [6, 7], got [5, 7]"));
}

TEST_F(ScorerFolder, RefusesAReferenceThatIsNoCovariance) {
  tensors_["reference.covariance"][0][1] += 1;
  EXPECT_THAT(message_after_writing(), HasSubstr("reference.covariance to be symmetric"));
}

TEST_F(ScorerFolder, RefusesValuesThatAreNotFinite) {
  tensors_["features.bias"][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_after_writing(), HasSubstr("features.bias to be finite"));
}

TEST_F(ScorerFolder, RefusesAConfigItDoesNotKnow) {
  config_["padding"] = 0;
  EXPECT_THAT(message_after_writing(), HasSubstr("no unknown key, got 'padding'"));
  config_.erase("padding");
  config_["schema"] = "kvscope.scorer/2";
  EXPECT_THAT(message_after_writing(), HasSubstr("kvscope.scorer/1"));
  config_["schema"] = "kvscope.scorer/1";
  config_["strides"] = nlohmann::json::array();
  EXPECT_THAT(message_after_writing(), HasSubstr("strides to be one for every convolution"));
}

TEST_F(ScorerFolder, NamesAMissingFile) {
  std::filesystem::remove(folder_ / "weights.safetensors");
  EXPECT_THAT([&] { Scorer(folder_.path().string(), at::kCPU); },
              ::testing::ThrowsMessage<BadInput>(HasSubstr("weights.safetensors")));
}

}  // namespace
}  // namespace kvscope
