#include "core/model/quantizer.h"

#include <array>
#include <cmath>
#include <vector>

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/zeros.h>

#include "core/geometry/phi.h"

namespace kvscope {

Quantizer::Quantizer(const ModelConfig& config, const ParameterSource& parameters)
    : schedule_(config.schedule()),
      compute_(parameters.compute_dtype()),
      codebook_(parameters.full("embedding.weight")),
      code_norms_(codebook_.square().sum(1)),
      residual_(std::abs(config.quant_resi)) {
  for (int phi = 0; phi < phi_count(config); ++phi) {
    const auto conv = parameters.module(phi_name(config, phi));
    phis_.push_back({conv.compute("weight"), conv.compute("bias")});
  }
}

at::Tensor Quantizer::codes(const at::Tensor& token_ids) const {
  return at::embedding(codebook_, token_ids);
}

at::Tensor Quantizer::empty_f_hat(std::int64_t batch) const {
  const std::int64_t side = schedule_.side(schedule_.last_scale());
  return at::zeros({batch, codebook_.size(1), side, side}, codebook_.options());
}

void Quantizer::accumulate(at::Tensor& f_hat, int scale, const at::Tensor& codes) const {
  f_hat.add_(contribution(scale, codes));
}

at::Tensor Quantizer::next_input(const at::Tensor& f_hat, int scale) const {
  return area_tokens(f_hat, schedule_.side(scale));
}

at::Tensor Quantizer::teacher_input(const at::Tensor& token_ids, int scales) const {
  at::Tensor sum = empty_f_hat(token_ids.size(0));
  std::vector<at::Tensor> inputs;
  for (int scale = 0; scale + 1 < scales; ++scale) {
    const at::Tensor ids = token_ids.narrow(1, schedule_.begin(scale), schedule_.tokens(scale));
    accumulate(sum, scale, codes(ids));
    // At the last side this is a view of the sum, which goes on changing.
    inputs.push_back(next_input(sum, scale + 1).clone());
  }
  return at::cat(inputs, 1);
}

at::Tensor Quantizer::encode(const at::Tensor& features) const {
  const std::int64_t batch = features.size(0);
  at::Tensor rest = features.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  std::vector<at::Tensor> ids;
  for (int scale = 0; scale < schedule_.scales(); ++scale) {
    const at::Tensor vectors = area_tokens(rest, schedule_.side(scale));
    ids.push_back(nearest_codes(vectors.reshape({-1, codebook_.size(1)})).view({batch, -1}));
    if (scale < schedule_.last_scale()) rest.sub_(contribution(scale, codes(ids.back())));
  }
  return at::cat(ids, 1);
}

at::Tensor Quantizer::f_hat(const at::Tensor& token_ids) const {
  at::Tensor sum = empty_f_hat(token_ids.size(0));
  for (int scale = 0; scale < schedule_.scales(); ++scale) {
    const at::Tensor ids = token_ids.narrow(1, schedule_.begin(scale), schedule_.tokens(scale));
    accumulate(sum, scale, codes(ids));
  }
  return sum;
}

at::Tensor Quantizer::phi(int scale, const at::Tensor& map) const {
  if (phis_.empty()) return map;
  const int index = phi_index(scale, schedule_.scales(), static_cast<int>(phis_.size()));
  const Phi& conv = phis_[static_cast<std::size_t>(index)];
  const at::Tensor blurred = at::conv2d(map.to(compute_), conv.weight, conv.bias, 1, 1);
  return map.mul(1 - residual_).add_(blurred.to(at::kFloat).mul_(residual_));
}

at::Tensor Quantizer::contribution(int scale, const at::Tensor& codes) const {
  const std::int64_t side = schedule_.side(scale);
  const std::int64_t last_side = schedule_.side(schedule_.last_scale());
  const at::Tensor map = codes.transpose(1, 2).reshape({codes.size(0), codes.size(2), side, side});
  if (scale == schedule_.last_scale()) return phi(scale, map);
  const std::array<std::int64_t, 2> size = {last_side, last_side};
  return phi(scale, at::upsample_bicubic2d(map, size, /*align_corners=*/false));
}

at::Tensor Quantizer::area_tokens(const at::Tensor& map, int side) const {
  const std::array<std::int64_t, 2> size = {side, side};
  // Resizing to the same side would only copy.
  const at::Tensor small = map.size(2) == side ? map : at::adaptive_avg_pool2d(map, size);
  return small.flatten(2).transpose(1, 2);
}

at::Tensor Quantizer::nearest_codes(const at::Tensor& vectors) const {
  // |v|² + |c|² − 2 v·c, summed in the order of the published code: near ties go the same way.
  at::Tensor distances = vectors.square().sum(1, /*keepdim=*/true).add(code_norms_);
  distances.addmm_(vectors, codebook_.t(), /*beta=*/1, /*alpha=*/-2);
  return at::argmin(distances, 1);
}

}  // namespace kvscope
