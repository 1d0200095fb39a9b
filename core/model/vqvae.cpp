#include "core/model/vqvae.h"

#include <array>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <fmt/format.h>

namespace kvscope {
namespace {

at::Tensor twice_as_large(const at::Tensor& x) {
  const std::array<std::int64_t, 2> size = {2 * x.size(2), 2 * x.size(3)};
  return at::upsample_nearest2d(x, size);
}

// Of every sample: [B, …] → [B] int64.
at::Tensor count_nonfinite(const at::Tensor& values) {
  return at::isfinite(values).logical_not_().flatten(1).sum(1);
}

}  // namespace

Encoder::Encoder(const ModelConfig& config, const ParameterSource& parameters)
    : conv_in_(parameters.module("conv_in")),
      middle_(parameters.module("mid")),
      norm_out_(parameters.module("norm_out")),
      conv_out_(parameters.module("conv_out")) {
  const auto levels = config.vae_ch_mult.size();
  for (std::size_t level = 0; level < levels; ++level) {
    levels_.emplace_back(parameters.module(fmt::format("down.{}", level)),
                         config.vae_num_res_blocks, /*with_attention=*/level + 1 == levels);
  }
}

at::Tensor Encoder::operator()(const at::Tensor& image) const {
  constexpr std::array<std::int64_t, 4> right_and_below = {0, 1, 0, 1};
  at::Tensor x = conv_in_(image);
  for (const ResolutionLevel& level : levels_) {
    x = level(x);
    if (level.resample) x = level.resample->halve(at::constant_pad_nd(x, right_and_below));
  }
  x = norm_out_(middle_(x));
  return conv_out_(at::silu_(x));
}

Decoder::Decoder(const ModelConfig& config, const ParameterSource& parameters)
    : conv_in_(parameters.module("conv_in")),
      middle_(parameters.module("mid")),
      norm_out_(parameters.module("norm_out")),
      conv_out_(parameters.module("conv_out")) {
  const auto levels = config.vae_ch_mult.size();
  for (std::size_t level = levels; level-- > 0;) {
    levels_.emplace_back(parameters.module(fmt::format("up.{}", level)),
                         config.vae_num_res_blocks + 1, /*with_attention=*/level + 1 == levels);
  }
}

at::Tensor Decoder::operator()(const at::Tensor& features) const {
  at::Tensor x = middle_(conv_in_(features));
  for (const ResolutionLevel& level : levels_) {
    x = level(x);
    if (level.resample) x = (*level.resample)(twice_as_large(x));
  }
  x = norm_out_(x);
  return conv_out_(at::silu_(x));
}

Vqvae::Vqvae(const ModelConfig& config, const StateDict& weights, at::Device device,
             at::ScalarType compute)
    : Vqvae(config, ParameterSource(weights, "vae.", device, compute)) {}

Vqvae::Vqvae(const ModelConfig& config, const ParameterSource& parameters)
    : encoder_(config, parameters.module("encoder")),
      decoder_(config, parameters.module("decoder")),
      quant_conv_(parameters.module("quant_conv")),
      post_quant_conv_(parameters.module("post_quant_conv")),
      quantizer_(config, parameters.module("quantize")) {}

at::Tensor Vqvae::encode(const at::Tensor& image) const {
  return quantizer_.encode(quant_conv_(encoder_(image)));
}

DecodedImages Vqvae::decode(const at::Tensor& f_hat) const {
  at::Tensor image = decoder_(post_quant_conv_(f_hat)).to(at::kFloat);
  const at::Tensor nonfinite = count_nonfinite(f_hat).add_(count_nonfinite(image));
  return {image.clamp_(-1, 1).add_(1).mul_(0.5), nonfinite};
}

at::Tensor Vqvae::reconstruct(const at::Tensor& image) const {
  return decode(quantizer_.f_hat(encode(image))).image;
}

}  // namespace kvscope
