#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <ATen/core/Tensor.h>

#include "core/base/site_track.h"
#include "core/geometry/model_config.h"
#include "core/model/parameter_source.h"

namespace kvscope {

/// A dense layer in the compute dtype.
struct Linear {
  at::Tensor weight;
  at::Tensor bias;

  static Linear from(const ParameterSource& parameters);

  /// [..., in] of any dtype → [..., out] in the compute dtype.
  at::Tensor operator()(const at::Tensor& input) const;
};

/// What adaLN does to a normalised hidden state: h · factor + shift. Both [rows, 1, width] float32.
struct Modulation {
  at::Tensor factor;
  at::Tensor shift;
};

/// adaLN of one block for one batch.
struct BlockModulation {
  Modulation attention;
  Modulation ffn;
  at::Tensor attention_gate;  ///< [rows, 1, width] float32
  at::Tensor ffn_gate;
};

/// LayerNorm without affine parameters, then adaLN: [rows, tokens, width] float32 → the same shape
/// in `compute`.
at::Tensor modulated_norm(const at::Tensor& hidden, const Modulation& modulation,
                          at::ScalarType compute);

/// Queries, keys and values of one layer and scale as [rows, heads, tokens, head_dim], the queries
/// already scaled.
struct Projections {
  at::Tensor query;
  at::Tensor key;
  at::Tensor value;
};

/// One block of the transformer (VAR, models/basic_var.py, AdaLNSelfAttn).
class TransformerBlock {
 public:
  TransformerBlock(const ModelConfig& config, int layer, const ParameterSource& parameters);

  /// adaLN of a batch. `condition` is the class embedding after SiLU, [rows, width], or with a
  /// shared adaLN what the shared layer made of it, [rows, 6 · width].
  BlockModulation modulation(const at::Tensor& condition) const;

  /// Adds the block to `hidden` [rows, tokens, width] float32 in place. `attend` turns projections
  /// into the attention's output [rows, tokens, width]; it times its own modules.
  void run(at::Tensor& hidden, const BlockModulation& modulation, SiteTrack* sites,
           const std::function<at::Tensor(const Projections&)>& attend) const;

 private:
  Projections split(const at::Tensor& fused) const;

  int layer_;
  int heads_;
  int head_dim_;
  at::ScalarType compute_;
  std::optional<Linear> adaln_;  // own adaLN …
  at::Tensor adaln_offset_;      // … or the offset to the shared one, [1, 6 · width] float32
  Linear qkv_;
  // With the l2 norm: factors of [query, key] per head, [2, heads, 1] float32.
  at::Tensor norm_factors_;
  Linear projection_;
  Linear ffn_in_;
  Linear ffn_out_;
};

}  // namespace kvscope
