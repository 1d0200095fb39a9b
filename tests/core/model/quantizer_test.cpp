#include "core/model/quantizer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/geometry/phi.h"

namespace kvscope {
namespace {

ModelConfig small_config() {
  ModelConfig config;
  config.patch_nums = {1, 2, 4};
  config.vocab = 16;
  config.z_channels = 8;
  return config;
}

/// Phi convolutions of zero: a scale then adds half of its upsampled codes.
StateDict plain_weights(const ModelConfig& config) {
  StateDict weights;
  weights["embedding.weight"] = at::rand({config.vocab, config.z_channels});
  for (int phi = 0; phi < phi_count(config); ++phi) {
    const std::string name = phi_name(config, phi) + ".";
    weights[name + "weight"] = at::zeros({config.z_channels, config.z_channels, 3, 3});
    weights[name + "bias"] = at::zeros({config.z_channels});
  }
  return weights;
}

class PlainQuantizerTest : public ::testing::Test {
 protected:
  ModelConfig config_ = small_config();
  StateDict weights_ = plain_weights(config_);
  Quantizer quantizer_{config_, ParameterSource(weights_, "", at::kCPU, at::kFloat)};
};

TEST_F(PlainQuantizerTest, FirstScaleFillsTheMapAndTheLastKeepsItsPlaces) {
  const at::Tensor ids = at::randint(config_.vocab, {2, 16}, at::kLong);
  at::Tensor f_hat = quantizer_.empty_f_hat(2);
  quantizer_.accumulate(f_hat, 0, quantizer_.codes(ids.narrow(1, 0, 1)));
  const at::Tensor constant = quantizer_.codes(ids.narrow(1, 0, 1)).view({2, 8, 1, 1}) * 0.5;
  // The four bicubic weights of a float32 resize add up to 1 within a few ulp.
  EXPECT_TRUE(at::allclose(f_hat, constant.expand({2, 8, 4, 4}), 0, 1e-6));

  f_hat.zero_();
  quantizer_.accumulate(f_hat, 2, quantizer_.codes(ids));
  const at::Tensor tokens = quantizer_.codes(ids).transpose(1, 2).reshape({2, 8, 4, 4}) * 0.5;
  EXPECT_TRUE(at::equal(f_hat, tokens));
}

TEST_F(PlainQuantizerTest, NextInputAveragesAreas) {
  const at::Tensor f_hat = at::rand({2, 8, 4, 4});
  const at::Tensor input = quantizer_.next_input(f_hat, 1);
  ASSERT_EQ(input.sizes(), at::IntArrayRef({2, 4, 8}));
  const at::Tensor top_right = f_hat.narrow(2, 0, 2).narrow(3, 2, 2).mean({2, 3});
  EXPECT_TRUE(at::allclose(input.select(1, 1), top_right, 0, 1e-6));
}

TEST_F(PlainQuantizerTest, EncodingLeavesTheFeaturesAlone) {
  const at::Tensor features = at::rand({1, 8, 4, 4});
  const at::Tensor before = features.clone();
  EXPECT_EQ(quantizer_.encode(features).sizes(), at::IntArrayRef({1, 21}));
  EXPECT_TRUE(at::equal(features, before));
}

// Lost without it: with equal sides at the end, an early input would show what is drawn later.
TEST(TeacherInput, OfAScaleDoesNotChangeWithTheScalesBehindIt) {
  ModelConfig config = small_config();
  config.patch_nums = {1, 4, 4};
  const StateDict weights = plain_weights(config);
  const Quantizer quantizer(config, ParameterSource(weights, "", at::kCPU, at::kFloat));
  const at::Tensor ids = at::randint(config.vocab, {2, 33}, at::kLong);
  const at::Tensor of_two_scales = quantizer.teacher_input(ids, 2);
  EXPECT_TRUE(at::equal(quantizer.teacher_input(ids, 3).narrow(1, 0, 16), of_two_scales));
}

TEST_F(PlainQuantizerTest, MissingParameterIsNamed) {
  StateDict partial = weights_;
  partial.erase("quant_resi.qresi_ls.2.bias");
  try {
    const Quantizer quantizer(config_, ParameterSource(partial, "", at::kCPU, at::kFloat));
    FAIL() << "built without a bias";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("quant_resi.qresi_ls.2.bias"));
  }
}

}  // namespace
}  // namespace kvscope
