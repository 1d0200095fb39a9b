// What a user would lose: measurements without a checkpoint that cannot be repeated, or that
// overflow on the way.

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/std.h>
#include <gmock/gmock.h>

#include "core/weights/state_dict.h"

namespace kvscope {
namespace {

bool equal(const StateDict& a, const StateDict& b) {
  return std::ranges::equal(a, b, [](const auto& left, const auto& right) {
    return left.first == right.first && left.second.equal(right.second);
  });
}

TEST(RandomModel, IsAFunctionOfTheSeedAlone) {
  const ModelConfig config = named_model_config("demo");
  const LoadedModel first = random_model(config, 5);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const LoadedModel again = random_model(config, 5);
  at::set_num_threads(threads);
  EXPECT_TRUE(equal(first.weights, again.weights));
  EXPECT_FALSE(equal(first.weights, random_model(config, 6).weights));
  EXPECT_EQ(first.weights_sha256, "random:5");
  EXPECT_EQ(first.config, config);
}

TEST(RandomModel, HasTheExpectedParametersAllFinite) {
  ModelConfig config = named_model_config("demo");
  for (const bool shared_aln : {true, false}) {
    config.shared_aln = shared_aln;
    const LoadedModel model = random_model(config, 0);
    const auto expected = expected_parameters(config);
    ASSERT_EQ(model.weights.size(), expected.size());
    for (const auto& [name, shape] : expected) {
      const at::Tensor& tensor = model.weights.at(name);
      EXPECT_EQ(tensor.sizes(), at::IntArrayRef(shape)) << name;
      EXPECT_TRUE(at::isfinite(tensor).all().item<bool>()) << name;
    }
  }
}

TEST(RandomModel, HasTheScaleOfTheOfficialInitialisation) {
  const LoadedModel model = random_model(named_model_config("demo"), 0);
  const auto deviation = [&](const std::string& name) {
    return at::std(model.weights.at(name).to(at::kFloat)).item<double>();
  };
  const double std = std::sqrt(1.0 / 3 / 192);
  // 110,592 draws: the sample deviation is within 1 % with over four standard errors to spare.
  EXPECT_NEAR(deviation("var.blocks.3.attn.mat_qkv.weight") / std, 1, 0.01);
  EXPECT_NEAR(deviation("var.blocks.3.ffn.fc2.weight") / (std / std::sqrt(24.0)), 1, 0.01);
  // A 3 × 3 convolution of 64 channels keeps the variance.
  EXPECT_NEAR(deviation("vae.decoder.mid.block_1.conv1.weight") * std::sqrt(576.0), 1, 0.02);
}

}  // namespace
}  // namespace kvscope
