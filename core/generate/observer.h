#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/budget/kv_bytes.h"
#include "core/cache/cache_bytes.h"
#include "core/model/attention_event.h"

namespace kvscope {

/// What an observer asks the generator for. A generator without observers computes none of it.
struct ObserverNeeds {
  bool attention = false;       ///< on_attention is called
  bool attention_mass = false;  ///< AttentionEvent::mass is filled
  /// The observer reads tensors on the host while the pass runs, or counts its calls: its pass is
  /// never replayed.
  bool host_data = false;
};

/// An observed batch about to be generated.
struct BatchInfo {
  std::int64_t index = 0;            ///< of the batch in the run
  std::int64_t first_sample = 0;     ///< global index of its first sample
  std::vector<std::int64_t> labels;  ///< one per sample
  at::Device device = at::kCPU;      ///< where the tensors of its attention events live
  KvShape kv;                        ///< what its K and V are counted in

  std::int64_t batch() const { return static_cast<std::int64_t>(labels.size()); }
};

/// A finished batch. Tensors live on the host.
struct BatchOutput {
  at::Tensor token_ids;  ///< [B, total tokens] int64
  at::Tensor f_hat;      ///< [B, z_channels, last side, last side] float32
  at::Tensor image;      ///< [B, 3, size, size] float32 in [0, 1]
  at::Tensor nonfinite;  ///< [B] int64: see DecodedImages
};

/// Watches the observed passes of a generation without changing it. Calls come on the generating
/// thread. A pass that breaks off ends without on_batch_end.
///
/// A generator may record the device's work of a pass, what observers queue in on_attention
/// included, and replay it for later passes without calling on_attention again. Unless an observer
/// needs host data, what it does there must hold for every pass alike:
/// - it queues work on the device and waits for none; what it writes goes to buffers made in
///   on_batch_begin, which stay where they are as long as device and shapes do;
/// - done twice, the work gives what it gives once: it sets and does not add;
/// - on the host it looks at shapes, never at data, and throws nothing.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual ObserverNeeds needs() const = 0;
  /// Before any work of the pass: the place to make buffers.
  virtual void on_batch_begin(const BatchInfo& /*info*/) {}
  virtual void on_attention(const AttentionEvent& /*event*/) {}
  /// Once for every scale of a pass, replayed or not, with what the cache holds after it. The
  /// device may still be at the scale.
  virtual void on_scale_end(int /*scale*/, const CacheBytes& /*held*/) {}
  /// The pass is done: the place to read buffers, and to complain.
  virtual void on_batch_end(const BatchInfo& /*info*/, const BatchOutput& /*output*/) {}
};

}  // namespace kvscope
