#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/geometry/model_config.h"
#include "core/model/quantizer.h"
#include "core/model/vqvae_layers.h"
#include "core/weights/state_dict.h"

namespace kvscope {

/// Image [B, 3, size, size] → features [B, z_channels, last side, last side] (VAR,
/// models/basic_vae.py).
class Encoder {
 public:
  Encoder(const ModelConfig& config, const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& image) const;

 private:
  Convolution conv_in_;
  std::vector<ResolutionLevel> levels_;  ///< fine to coarse
  MiddleBlock middle_;
  Normalization norm_out_;
  Convolution conv_out_;
};

/// The way back, one block longer at every resolution.
class Decoder {
 public:
  Decoder(const ModelConfig& config, const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& features) const;

 private:
  Convolution conv_in_;
  MiddleBlock middle_;
  std::vector<ResolutionLevel> levels_;  ///< coarse to fine
  Normalization norm_out_;
  Convolution conv_out_;
};

/// What the decoder made of f_hat.
struct DecodedImages {
  at::Tensor image;  ///< [B, 3, size, size] float32 in [0, 1], NaN where the decoder gave NaN
  /// [B] int64: values of f_hat and of the decoder's output, before it is clamped, that are NaN or
  /// infinite. Group norms carry one inside the decoder to the whole output.
  at::Tensor nonfinite;
};

/// The VQVAE of a VAR model, for inference. Its calls belong inside c10::InferenceMode, which saves
/// the bookkeeping of autograd; they work without it.
///
/// In float16 and bfloat16 it computes what the published code does under CUDA autocast:
/// convolutions and matrix products in the compute dtype, group norms and softmax in float32, f_hat
/// and every resize of the quantizer in float32. In float32 everything is float32.
class Vqvae {
 public:
  /// Converts the weights once; `weights` may go away afterwards. Throws Error when a parameter is
  /// missing.
  Vqvae(const ModelConfig& config, const StateDict& weights, at::Device device,
        at::ScalarType compute);

  const Quantizer& quantizer() const { return quantizer_; }

  /// Image [B, 3, size, size] in [−1, 1] → token ids of all scales, [B, total tokens] int64.
  at::Tensor encode(const at::Tensor& image) const;

  /// f_hat [B, z_channels, last side, last side] → images. Nothing waits for the device.
  DecodedImages decode(const at::Tensor& f_hat) const;

  /// Image in [−1, 1] → tokens → image in [0, 1].
  at::Tensor reconstruct(const at::Tensor& image) const;

 private:
  Vqvae(const ModelConfig& config, const ParameterSource& parameters);

  Encoder encoder_;
  Decoder decoder_;
  Convolution quant_conv_;
  Convolution post_quant_conv_;
  Quantizer quantizer_;
};

}  // namespace kvscope
