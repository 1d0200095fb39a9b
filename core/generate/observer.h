#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/cache/kv_cache.h"
#include "core/model/attention_event.h"

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

/// A finished batch. Tensors live on the host.
struct BatchOutput {
  at::Tensor token_ids;  ///< [B, total tokens] int64
  at::Tensor f_hat;      ///< [B, z_channels, last side, last side] float32
  at::Tensor image;      ///< [B, 3, size, size] float32 in [0, 1]
  at::Tensor nonfinite;  ///< [B] int64: see DecodedImages
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
