#include "core/model/transformer_block.h"

#include <cmath>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/div.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

namespace kvscope {
namespace {

constexpr double layer_norm_epsilon = 1e-6;
// What the published normalisation divides by at least.
constexpr double l2_norm_epsilon = 1e-12;
constexpr double largest_query_factor = 100;

}  // namespace

Linear Linear::from(const ParameterSource& parameters) {
  return {parameters.compute("weight"), parameters.compute("bias")};
}

at::Tensor Linear::operator()(const at::Tensor& input) const {
  return at::linear(input.to(weight.scalar_type()), weight, bias);
}

at::Tensor modulated_norm(const at::Tensor& hidden, const Modulation& modulation,
                          at::ScalarType compute) {
  at::Tensor normal =
      std::get<0>(at::native_layer_norm(hidden, {hidden.size(-1)}, {}, {}, layer_norm_epsilon));
  at::addcmul_out(normal, modulation.shift, normal, modulation.factor);
  return normal.to(compute);
}

TransformerBlock::TransformerBlock(const ModelConfig& config, int layer,
                                   const ParameterSource& parameters)
    : layer_(layer),
      heads_(config.heads),
      head_dim_(config.head_dim()),
      compute_(parameters.compute_dtype()),
      projection_(Linear::from(parameters.module("attn.proj"))),
      ffn_in_(Linear::from(parameters.module("ffn.fc1"))),
      ffn_out_(Linear::from(parameters.module("ffn.fc2"))) {
  const ParameterSource attention = parameters.module("attn");
  if (config.shared_aln) {
    adaln_offset_ = parameters.full("ada_gss").view({1, -1});
  } else {
    adaln_ = Linear::from(parameters.module("ada_lin.1"));
  }
  const at::Tensor query_bias = attention.compute("q_bias");
  qkv_ = {attention.compute("mat_qkv.weight"),
          at::cat({query_bias, at::zeros_like(query_bias), attention.compute("v_bias")})};
  if (config.attn_l2_norm) {
    const at::Tensor query_factor = attention.full("scale_mul_1H11")
                                        .clamp_max(std::log(largest_query_factor))
                                        .exp_()
                                        .view({heads_, 1});
    norm_factors_ = at::stack({query_factor, at::ones_like(query_factor)});
  }
}

BlockModulation TransformerBlock::modulation(const at::Tensor& condition) const {
  const at::Tensor all = adaln_ ? (*adaln_)(condition).to(at::kFloat) : condition + adaln_offset_;
  const auto parts = all.view({condition.size(0), 1, 6, -1}).unbind(2);
  const auto part = [&](std::size_t index) { return parts[index].contiguous(); };
  // The order of the published layer: gamma1, gamma2, scale1, scale2, shift1, shift2.
  return {{part(2).add_(1), part(4)}, {part(3).add_(1), part(5)}, part(0), part(1)};
}

void TransformerBlock::run(at::Tensor& hidden, const BlockModulation& modulation, SiteTrack* sites,
                           const std::function<at::Tensor(const Projections&)>& attend) const {
  const auto normalise = [&](const Modulation& by) {
    const ModuleScope scope(sites, Module::adaln, layer_);
    return modulated_norm(hidden, by, compute_);
  };
  const auto add = [&](const at::Tensor& branch, const at::Tensor& gate) {
    const ModuleScope scope(sites, Module::adaln, layer_);
    hidden.addcmul_(branch, gate);
  };
  at::Tensor branch = normalise(modulation.attention);
  {
    const ModuleScope scope(sites, Module::qkv, layer_);
    branch = qkv_(branch);
  }
  Projections projections;
  {
    const ModuleScope scope(sites, Module::qk_norm_cache, layer_);
    projections = split(branch);
  }
  branch = attend(projections);
  {
    const ModuleScope scope(sites, Module::projection, layer_);
    branch = projection_(branch);
  }
  add(branch, modulation.attention_gate);

  branch = normalise(modulation.ffn);
  {
    const ModuleScope scope(sites, Module::ffn, layer_);
    at::Tensor inner = ffn_in_(branch);
    at::gelu_(inner, "tanh");
    branch = ffn_out_(inner);
  }
  add(branch, modulation.ffn_gate);
}

Projections TransformerBlock::split(const at::Tensor& fused) const {
  const at::Tensor parts = fused.view({fused.size(0), fused.size(1), 3, heads_, head_dim_});
  if (norm_factors_.defined()) {
    // In float32 and in place: both norms in one pass, their factors in a second.
    at::Tensor query_key = parts.narrow(2, 0, 2);
    const at::Tensor norms = at::linalg_vector_norm(query_key, 2, -1, /*keepdim=*/true, at::kFloat);
    query_key.mul_(at::div(norm_factors_, norms.clamp_min(l2_norm_epsilon)));
  } else {
    // The published attention without the l2 norm is scaled by 0.25/√head_dim.
    parts.select(2, 0).mul_(0.25 / std::sqrt(static_cast<double>(head_dim_)));
  }
  const auto heads_first = [&](std::int64_t part) { return parts.select(2, part).transpose(1, 2); };
  return {heads_first(0), heads_first(1), heads_first(2)};
}

}  // namespace kvscope
