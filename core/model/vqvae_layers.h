#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/geometry/model_config.h"
#include "core/model/parameter_source.h"

namespace kvscope {

/// A convolution in the compute dtype. Odd kernels keep the size unless told otherwise.
class Convolution {
 public:
  explicit Convolution(const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& x) const;

  /// Stride 2 without padding of its own: halves an input that was padded right and below by one.
  at::Tensor halve(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  std::int64_t padding_;
};

/// Group normalisation over 32 groups, eps 1e-6, in and out float32.
class Normalization {
 public:
  explicit Normalization(const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// x + conv(silu(norm(conv(silu(norm(x)))))), with a 1×1 convolution on x where channels change.
class ResidualBlock {
 public:
  explicit ResidualBlock(const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Normalization norm1_;
  Convolution conv1_;
  Normalization norm2_;
  Convolution conv2_;
  std::optional<Convolution> shortcut_;
};

/// Single-head self-attention over the pixels of a map, added to it.
class PixelAttention {
 public:
  explicit PixelAttention(const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Normalization norm_;
  Convolution qkv_;
  Convolution projection_;
};

/// Residual block, attention, residual block at the lowest resolution.
class MiddleBlock {
 public:
  explicit MiddleBlock(const ParameterSource& parameters);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  ResidualBlock first_;
  PixelAttention attention_;
  ResidualBlock second_;
};

/// The blocks of one resolution, and the convolution of the step to the next one, if any.
struct ResolutionLevel {
  ResolutionLevel(const ParameterSource& parameters, int block_count, bool with_attention);

  at::Tensor operator()(at::Tensor x) const;

  std::vector<ResidualBlock> blocks;
  std::vector<PixelAttention> attentions;  ///< empty, or one behind every block
  std::optional<Convolution> resample;
};

}  // namespace kvscope
