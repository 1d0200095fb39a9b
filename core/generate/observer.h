#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/cache/kv_cache.h"

namespace kvscope {

/// What an observer asks the generator for. A generator without observers computes none of it.
struct ObserverNeeds {
  bool attention = false;       ///< on_attention is called
  bool attention_mass = false;  ///< AttentionEvent::mass is filled
  bool host_data = false;  ///< the observer reads tensors on the host: never inside a CUDA graph
};

/// A batch about to be generated.
struct BatchInfo {
  std::int64_t index = 0;            ///< of the batch in the run
  int repeat = 0;                    ///< 0 is the pass whose data is kept
  std::int64_t first_sample = 0;     ///< global index of its first sample
  std::vector<std::int64_t> labels;  ///< one per sample

  std::int64_t batch() const { return static_cast<std::int64_t>(labels.size()); }
};

/// One layer's attention at one scale. Tensors live on the model's device; rows 0…B−1 are
/// conditional, B…2B−1 unconditional. They must not be changed or kept without a copy.
struct AttentionEvent {
  int layer = 0;
  int scale = 0;
  const at::Tensor& query;  ///< [2B, heads, tokens(scale), head_dim], scaled
  const at::Tensor& key;    ///< this scale's keys, same shape, as the cache receives them
  const at::Tensor& value;  ///< this scale's values
  const KvView& read;       ///< what the target read
  /// Attention mass per read key of the conditional rows, Σ over queries of the softmax weight:
  /// [B, heads, tokens read] float32. Undefined unless an observer asked for it.
  const at::Tensor& mass;
};

/// A finished batch. Tensors live on the host.
struct BatchOutput {
  at::Tensor token_ids;  ///< [B, total tokens] int64
  at::Tensor f_hat;      ///< [B, z_channels, last side, last side] float32
  at::Tensor image;      ///< [B, 3, size, size] float32 in [0, 1]
};

/// Watches a generation without changing it. Callbacks come on the generating thread.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual ObserverNeeds needs() const = 0;
  virtual void on_batch_begin(const BatchInfo& /*info*/) {}
  virtual void on_attention(const AttentionEvent& /*event*/) {}
  /// After every layer of `scale` is done. `cache` can be asked for its resident bytes.
  virtual void on_scale_end(int /*scale*/, const KvCache& /*cache*/) {}
  virtual void on_batch_end(const BatchInfo& /*info*/, const BatchOutput& /*output*/) {}
};

}  // namespace kvscope
