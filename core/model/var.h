#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/base/site_track.h"
#include "core/cache/kv_cache.h"
#include "core/geometry/model_config.h"
#include "core/model/attention_event.h"
#include "core/model/transformer_block.h"
#include "core/weights/state_dict.h"

namespace kvscope {

/// Who looks on while the transformer runs; null means nobody.
struct ScaleHooks {
  SiteTrack* sites = nullptr;
  AttentionWatcher* watcher = nullptr;
};

/// What depends only on the classes of a batch, computed once for all its scales.
struct Conditioning {
  at::Tensor embedding;  ///< class embedding, [rows, 1, width] float32
  std::vector<BlockModulation> blocks;
  Modulation head;
};

/// The VAR transformer for inference (VAR, arXiv 2404.02905; models/var.py and basic_var.py).
///
/// In float16 and bfloat16 it computes what the published code does under autocast: linears and
/// attention in the compute dtype, LayerNorm, the l2 norm and the residual stream in float32. On a
/// CPU the attention of these types is computed in float32 (attention.h).
class Var {
 public:
  /// Converts the weights once; `weights` may go away afterwards. Throws Error when a parameter is
  /// missing.
  Var(const ModelConfig& config, const StateDict& weights, at::Device device,
      at::ScalarType compute);

  /// `labels` [rows] int64; the index `classes` is the unconditional class.
  Conditioning condition(const at::Tensor& labels) const;

  /// Input of scale 0: [rows, tokens(0), width] float32.
  at::Tensor first_input(const Conditioning& conditioning) const;

  /// Input of `scale` ≥ 1 from its quantizer input [B, tokens(scale), z_channels]: word embedding,
  /// position and level, once for the conditional and once for the unconditional rows,
  /// [2B, tokens(scale), width] float32.
  at::Tensor next_input(const at::Tensor& codes, int scale) const;

  /// Runs all blocks on the input of one scale, which they overwrite. Returns hidden states of the
  /// same shape.
  at::Tensor run_blocks(at::Tensor input, int scale, const Conditioning& conditioning,
                        KvCache& cache, const ScaleHooks& hooks) const;

  /// Logits of the guided rows, [B, tokens, vocab] float32: (1 + t) · conditional − t ·
  /// unconditional. The head is linear, so the guidance is applied to its input, on half the rows.
  at::Tensor guided_logits(const at::Tensor& hidden, const Conditioning& conditioning,
                           double strength) const;

  /// The training-style forward: logits of the first `scales` scales, [B, tokens of them, vocab]
  /// float32, with a mask that lets a scale see itself and all before. `labels` [B]; `inputs` are
  /// the quantizer inputs of scales 1 … scales−1, [B, their tokens, z_channels].
  at::Tensor teacher_forced_logits(const at::Tensor& labels, const at::Tensor& inputs,
                                   int scales) const;

 private:
  at::Tensor word_embedding(const at::Tensor& codes) const;

  ScaleSchedule schedule_;
  at::ScalarType compute_;
  Linear word_embed_;
  at::Tensor class_embedding_;
  at::Tensor start_position_;  // position and level of scale 0 and the start token's own
  at::Tensor position_;        // position and level of every token, [1, total tokens, width]
  std::optional<Linear> shared_adaln_;
  std::vector<TransformerBlock> blocks_;
  Linear head_adaln_;
  Linear head_;
};

}  // namespace kvscope
