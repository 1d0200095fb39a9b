#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace kvscope {

/// What a policy must see of the attention to choose tokens by content.
enum class CacheNeeds {
  nothing,   ///< the choice is known before generation
  key_mass,  ///< attention mass each read key received, supplied after the target is done
  queries,   ///< the queries of the target
};

/// Keys and values a target reads: [rows, heads, tokens, head_dim], source scales ascending, the
/// target's own tokens last. Views into the cache: valid until its next update.
struct KvView {
  at::Tensor key;
  at::Tensor value;
};

/// The KV cache of one generation. It is asked once per (layer, scale), layers in order inside a
/// scale, scales ascending: here are K and V of this scale, give me what this target reads.
class KvCache {
 public:
  virtual ~KvCache() = default;

  virtual CacheNeeds needs() const { return CacheNeeds::nothing; }

  /// Prepares for a new batch of `rows` rows (2 × batch under guidance). Keeps its buffers when the
  /// number of rows is unchanged.
  virtual void begin(std::int64_t rows) = 0;

  /// Takes K and V of (layer, scale), each [rows, heads, tokens(scale), head_dim], and returns what
  /// the target `scale` reads. `query` has the same shape and is only looked at when needs() says
  /// so.
  virtual KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                        const at::Tensor& query) = 0;

  /// Attention mass per read key, [rows, heads, tokens read], after (layer, scale) is done. Called
  /// only when needs() is key_mass.
  virtual void receive_key_mass(int /*layer*/, int /*scale*/, const at::Tensor& /*mass*/) {}

  /// Bytes of the K and V buffers that belong to `layer` alone.
  virtual std::int64_t resident_bytes(int layer) const = 0;

  /// Bytes of the buffers that all layers share.
  virtual std::int64_t shared_bytes() const = 0;
};

}  // namespace kvscope
