#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/cache/kv_cache.h"

namespace kvscope {

/// One layer's attention at one scale. Tensors live on the model's device; rows 0…B−1 are
/// conditional, B…2B−1 unconditional. They must not be changed or kept without a copy.
struct AttentionEvent {
  int layer = 0;
  int scale = 0;
  const at::Tensor& query;  ///< [2B, heads, tokens(scale), head_dim], scaled
  const at::Tensor& key;    ///< this scale's keys, same shape, as the cache receives them
  const at::Tensor& value;  ///< this scale's values
  const KvView& read;       ///< what the target read
  /// Attention mass per read key of the conditional rows, Σ over queries of the softmax weight, of
  /// every group of `read`: [B, heads of the group, tokens read] float32. None unless an observer
  /// asked for it.
  const std::vector<at::Tensor>& mass;
};

/// Sees every attention of a generation.
class AttentionWatcher {
 public:
  virtual ~AttentionWatcher() = default;

  /// Whether AttentionEvent::mass must be filled.
  virtual bool wants_mass() const = 0;
  virtual void on_attention(const AttentionEvent& event) = 0;
};

}  // namespace kvscope
