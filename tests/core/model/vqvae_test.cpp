#include "core/model/vqvae.h"

#include <cmath>
#include <limits>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>

#include "core/weights/safetensors.h"
#include "core/weights/tensors.h"

namespace kvscope {
namespace {

// Sums in another order move values of order 1 by some 1e-6; a wrong layer moves them by 0.1.
constexpr double tolerance = 1e-4;

class GoldenVqvaeTest : public ::testing::TestWithParam<const char*> {
 protected:
  at::Tensor golden(const std::string& name) const {
    return tensor_of(golden_, golden_.tensors().at(name));
  }

  at::Tensor golden_ids(const std::string& name) const { return golden(name).to(at::kLong); }

  static double difference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  std::string folder_ = std::string(KVSCOPE_SOURCE_DIR "/tests/golden/") + GetParam();
  LoadedModel model_ = load_model_folder(folder_);
  SafetensorsFile golden_{folder_ + "/golden.safetensors"};
  Vqvae vqvae_{model_.config, model_.weights, at::kCPU, at::kFloat};
};

TEST_P(GoldenVqvaeTest, DecodesToThePublishedImage) {
  EXPECT_LE(difference(vqvae_.decode(golden("f_hat")).image, golden("image")), tolerance);
}

TEST_P(GoldenVqvaeTest, EncodesToThePublishedTokens) {
  const at::Tensor ids = vqvae_.encode(golden("encode.image").to(at::kFloat));
  EXPECT_TRUE(at::equal(ids, golden_ids("encode.token_ids")));
}

TEST_P(GoldenVqvaeTest, ReconstructsThePublishedImage) {
  // The golden reconstruction is in [−1, 1], ours in [0, 1].
  const at::Tensor expected = (golden("encode.reconstruction") + 1) * 0.5;
  const at::Tensor image = vqvae_.reconstruct(golden("encode.image").to(at::kFloat));
  EXPECT_LE(difference(image, expected), tolerance);
}

TEST_P(GoldenVqvaeTest, TokensGiveThePublishedFHat) {
  EXPECT_LE(difference(vqvae_.quantizer().f_hat(golden_ids("token_ids")), golden("f_hat")),
            tolerance);
}

// Teacher forcing must read what generation reads, scale for scale.
TEST_P(GoldenVqvaeTest, TeacherInputIsTheGenerationsInput) {
  const Quantizer& quantizer = vqvae_.quantizer();
  const ScaleSchedule schedule = model_.config.schedule();
  const at::Tensor ids = golden_ids("token_ids");
  at::Tensor f_hat = quantizer.empty_f_hat(ids.size(0));
  std::vector<at::Tensor> inputs;
  for (int scale = 0; scale < schedule.last_scale(); ++scale) {
    const at::Tensor drawn = ids.narrow(1, schedule.begin(scale), schedule.tokens(scale));
    quantizer.accumulate(f_hat, scale, quantizer.codes(drawn));
    inputs.push_back(quantizer.next_input(f_hat, scale + 1).clone());
  }
  EXPECT_TRUE(at::equal(quantizer.teacher_input(ids, schedule.scales()), at::cat(inputs, 1)));
}

// bfloat16 rounds to 8 bits in each of some 30 convolutions. A mean of 0.01, or 2.6 of 255 grey
// levels, leaves room for that and none for a norm or a residual in the wrong place.
TEST_P(GoldenVqvaeTest, LowPrecisionStaysClose) {
  const Vqvae low(model_.config, model_.weights, at::kCPU, at::kBFloat16);
  const at::Tensor image = low.decode(golden("f_hat")).image;
  EXPECT_EQ(image.scalar_type(), at::kFloat);
  EXPECT_LE((image - golden("image")).abs().mean().item<double>(), 0.01);
  EXPECT_EQ(low.quantizer().f_hat(golden_ids("token_ids")).scalar_type(), at::kFloat);
}

// Whatever overflows on the way must reach the count: else a black or white picture passes for one
// that the model meant. The second sample shows that its neighbours stay clean.
TEST_P(GoldenVqvaeTest, CountsWhatIsNotFiniteOfEverySample) {
  at::Tensor f_hat = golden("f_hat").to(at::kFloat).clone();
  ASSERT_GE(f_hat.size(0), 2);
  for (const float value : {std::nanf(""), std::numeric_limits<float>::infinity(), -3e38F}) {
    f_hat[0][0][0][0] = value;
    const DecodedImages decoded = vqvae_.decode(f_hat);
    EXPECT_GT(decoded.nonfinite[0].item<std::int64_t>(), 0) << value;
    EXPECT_EQ(decoded.nonfinite[1].item<std::int64_t>(), 0) << value;
  }
}

// A layer that overflows gives infinity; here its bias does. The pixels of an infinite output are
// clamped to black or white, so that only the count tells.
TEST_P(GoldenVqvaeTest, CountsAnOverflowInEveryLayerOfTheDecoder) {
  // A corner goes through every layer too, in a fraction of the time.
  const at::Tensor f_hat =
      golden("f_hat").to(at::kFloat).narrow(0, 0, 1).narrow(2, 0, 2).narrow(3, 0, 2);
  EXPECT_EQ(vqvae_.decode(f_hat).nonfinite.item<std::int64_t>(), 0);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [name, weight] : model_.weights) {
    const bool decodes =
        name.starts_with("vae.decoder.") || name.starts_with("vae.post_quant_conv");
    if (!decodes || !name.ends_with(".bias")) continue;
    for (const float value : {infinity, -infinity}) {
      StateDict spoiled = model_.weights;
      spoiled[name] = at::full(weight.sizes(), value, at::kFloat);
      const Vqvae vqvae(model_.config, spoiled, at::kCPU, at::kFloat);
      EXPECT_GT(vqvae.decode(f_hat).nonfinite.item<std::int64_t>(), 0) << name << ' ' << value;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenVqvaeTest,
                         ::testing::Values("var_parity", "shapes/no_l2_norm",
                                           "shapes/shared_adaln_odd_scales", "shapes/three_scales",
                                           "shapes/wide_start"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& letter : name) {
                             if (letter == '/') letter = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace kvscope
