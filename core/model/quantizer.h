#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/geometry/model_config.h"
#include "core/model/parameter_source.h"

namespace kvscope {

/// The multi-scale residual quantizer between images and tokens (VAR, arXiv 2404.02905, algorithms
/// 1 and 2; models/quant.py).
///
/// f_hat, distances and every resize are float32; the phi convolutions run in the compute dtype.
class Quantizer {
 public:
  /// `parameters` is the source of `vae.quantize`.
  Quantizer(const ModelConfig& config, const ParameterSource& parameters);

  /// Code vectors, [vocab, z_channels] float32.
  const at::Tensor& codebook() const { return codebook_; }

  /// Code vectors of tokens: [B, tokens] int64 → [B, tokens, z_channels] float32.
  at::Tensor codes(const at::Tensor& token_ids) const;

  /// The f_hat that generation starts from: zeros, [B, z_channels, last side, last side] float32.
  at::Tensor empty_f_hat(std::int64_t batch) const;

  /// Adds a drawn scale to f_hat in place: upsample to the last side (none at the last scale), phi,
  /// add. `codes` is [B, tokens(scale), z_channels].
  void accumulate(at::Tensor& f_hat, int scale, const at::Tensor& codes) const;

  /// What the transformer reads at `scale` ≥ 1: f_hat, shrunk by averaging over areas, as
  /// [B, tokens(scale), z_channels] float32; a view of f_hat where the sides are equal.
  at::Tensor next_input(const at::Tensor& f_hat, int scale) const;

  /// Inputs of the scales 1…scales−1 for given tokens, one after the other: [B, tokens of these
  /// scales, z_channels] float32. `token_ids` [B, at least the tokens before the last of them].
  at::Tensor teacher_input(const at::Tensor& token_ids, int scales) const;

  /// Encoder features [B, z_channels, last side, last side] → token ids [B, total tokens] int64:
  /// scale by scale the nearest code, by distance (using_znorm = false), of what the scales before
  /// left over.
  at::Tensor encode(const at::Tensor& features) const;

  /// Token ids of all scales [B, total tokens] int64 → f_hat.
  at::Tensor f_hat(const at::Tensor& token_ids) const;

 private:
  at::Tensor phi(int scale, const at::Tensor& map) const;
  at::Tensor contribution(int scale, const at::Tensor& codes) const;
  at::Tensor area_tokens(const at::Tensor& map, int side) const;
  at::Tensor nearest_codes(const at::Tensor& vectors) const;

  struct Phi {
    at::Tensor weight;
    at::Tensor bias;
  };

  ScaleSchedule schedule_;
  at::ScalarType compute_;
  at::Tensor codebook_;
  at::Tensor code_norms_;  ///< squared length of each code, [vocab]
  double residual_;        ///< share of the convolution in phi
  std::vector<Phi> phis_;  ///< empty: phi adds a map as it is
};

}  // namespace kvscope
