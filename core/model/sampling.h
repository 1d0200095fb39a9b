#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "core/base/random_mode.h"

namespace kvscope {

/// Guidance and truncation of a run.
struct SamplingOptions {
  double cfg = 1.5;
  int top_k = 0;             ///< 0 keeps all; larger than the vocabulary is clamped to it
  double top_p = 0;          ///< 0 keeps all
  bool more_smooth = false;  ///< mix codes by a Gumbel softmax (VAR's visual setting)
  std::uint64_t seed = 0;
  RandomMode rng = RandomMode::official;
};

/// Guidance strength t of a scale: logits = (1 + t) · conditional − t · unconditional (VAR,
/// models/var.py).
double guidance_strength(double cfg, int scale, int scales);

/// Masks logits [..., vocab] float32, contiguous, in place with −∞: first all but the `top_k`
/// largest (ties with the last of them stay), then the smallest whose softmax sums up to at most 1
/// − top_p (the largest always stays).
void truncate_logits(at::Tensor& logits, int top_k, double top_p);

/// Uniform in [0, 1) under RandomMode::per_sample, the same on every machine.
double keyed_uniform(std::uint64_t seed, std::int64_t sample, std::int64_t scale,
                     std::int64_t token);

/// All randomness of one batch, in the order in which the official code draws: labels, then one
/// draw per scale, each followed by the Gumbel noise of more_smooth.
class Sampler {
 public:
  /// Seeds batch `batch_index`, whose first sample has the global index `first_sample`.
  Sampler(const SamplingOptions& options, at::Device device, std::int64_t batch_index,
          std::int64_t first_sample);

  /// Labels drawn uniformly from the classes: [batch] int64.
  at::Tensor draw_labels(std::int64_t batch, int classes);

  /// One token per position: guided logits [B, tokens, vocab] float32, which are truncated in
  /// place, → [B, tokens] int64. On a CPU throws Error for logits that are not finite. On a device
  /// any token may come of them: nothing waits for it here, check_drawn does.
  at::Tensor draw(at::Tensor& logits, int scale);

  /// Throws Error when logits that were drawn from were not finite. Waits for the device.
  void check_drawn() const;

  /// Weights of the code vectors under more_smooth, after draw, from the logits it truncated:
  /// [B, tokens, vocab], summing to 1.
  at::Tensor smooth_weights(const at::Tensor& logits, int scale, int scales);

 private:
  void require_finite(const at::Tensor& weights);
  at::TensorOptions host_options(at::ScalarType type) const;
  at::Tensor keyed_uniforms(at::IntArrayRef shape, int scale) const;
  at::Tensor exponential(const at::Tensor& like, int scale);

  SamplingOptions options_;
  at::Device device_;
  std::int64_t first_sample_;
  at::Generator generator_;
  at::Tensor all_finite_;  // on a device: whether all logits were, undefined before the first
};

}  // namespace kvscope
