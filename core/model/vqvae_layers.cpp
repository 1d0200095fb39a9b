#include "core/model/vqvae_layers.h"

#include <cmath>

#include <ATen/ops/bmm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <fmt/format.h>

namespace kvscope {
namespace {

constexpr int groups = 32;
constexpr double norm_eps = 1e-6;

}  // namespace

Convolution::Convolution(const ParameterSource& parameters)
    : weight_(parameters.compute("weight")),
      bias_(parameters.compute("bias")),
      padding_(weight_.size(2) / 2) {}

at::Tensor Convolution::operator()(const at::Tensor& x) const {
  return at::conv2d(x.to(weight_.scalar_type()), weight_, bias_, 1, padding_);
}

at::Tensor Convolution::halve(const at::Tensor& x) const {
  constexpr std::int64_t stride = 2;
  constexpr std::int64_t padding = 0;
  return at::conv2d(x.to(weight_.scalar_type()), weight_, bias_, stride, padding);
}

Normalization::Normalization(const ParameterSource& parameters)
    : weight_(parameters.full("weight")), bias_(parameters.full("bias")) {}

at::Tensor Normalization::operator()(const at::Tensor& x) const {
  return at::group_norm(x.to(at::kFloat), groups, weight_, bias_, norm_eps);
}

ResidualBlock::ResidualBlock(const ParameterSource& parameters)
    : norm1_(parameters.module("norm1")),
      conv1_(parameters.module("conv1")),
      norm2_(parameters.module("norm2")),
      conv2_(parameters.module("conv2")) {
  if (parameters.has("nin_shortcut.weight")) shortcut_.emplace(parameters.module("nin_shortcut"));
}

at::Tensor ResidualBlock::operator()(const at::Tensor& x) const {
  at::Tensor hidden = norm1_(x);
  hidden = norm2_(conv1_(at::silu_(hidden)));
  hidden = conv2_(at::silu_(hidden));
  return hidden.add_(shortcut_ ? (*shortcut_)(x) : x);
}

PixelAttention::PixelAttention(const ParameterSource& parameters)
    : norm_(parameters.module("norm")),
      qkv_(parameters.module("qkv")),
      projection_(parameters.module("proj_out")) {}

at::Tensor PixelAttention::operator()(const at::Tensor& x) const {
  const std::int64_t channels = x.size(1);
  const auto qkv = qkv_(norm_(x)).flatten(2).chunk(3, 1);  // three times [B, channels, pixels]
  at::Tensor weights = at::bmm(qkv[0].transpose(1, 2), qkv[1]);  // [B, query, key]
  weights.mul_(1.0 / std::sqrt(static_cast<double>(channels)));
  // Autocast computes the softmax in float32 and rounds it for the product.
  weights = at::softmax(weights, 2, at::kFloat).to(qkv[2].scalar_type());
  const at::Tensor mixed = at::bmm(qkv[2], weights.transpose(1, 2)).view(x.sizes());
  return projection_(mixed).add_(x);
}

MiddleBlock::MiddleBlock(const ParameterSource& parameters)
    : first_(parameters.module("block_1")),
      attention_(parameters.module("attn_1")),
      second_(parameters.module("block_2")) {}

at::Tensor MiddleBlock::operator()(const at::Tensor& x) const {
  return second_(attention_(first_(x)));
}

ResolutionLevel::ResolutionLevel(const ParameterSource& parameters, int block_count,
                                 bool with_attention) {
  for (int index = 0; index < block_count; ++index) {
    blocks.emplace_back(parameters.module(fmt::format("block.{}", index)));
    if (with_attention) attentions.emplace_back(parameters.module(fmt::format("attn.{}", index)));
  }
  for (const char* name : {"downsample.conv", "upsample.conv"}) {
    const auto conv = parameters.module(name);
    if (conv.has("weight")) resample.emplace(conv);
  }
}

at::Tensor ResolutionLevel::operator()(at::Tensor x) const {
  for (std::size_t index = 0; index < blocks.size(); ++index) {
    x = blocks[index](x);
    if (!attentions.empty()) x = attentions[index](x);
  }
  return x;
}

}  // namespace kvscope
