#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/budget/head_set.h"
#include "core/cache/cache_bytes.h"

namespace kvscope {

/// What a policy must see of the attention to choose tokens by content; nothing when the choice is
/// known before generation.
struct CacheNeeds {
  bool key_mass = false;  ///< attention mass each read key received, once the target is done
  bool queries = false;   ///< the queries of the target
};

/// What some heads of a target read. Tensors are views into the cache: valid until its next update.
struct KvGroup {
  HeadSet heads;
  at::Tensor key;    ///< [rows, heads of the group, tokens, head_dim]
  at::Tensor value;  ///< likewise
  /// Index on the token axis of the source of every entry, int64, shape [rows, heads of the group,
  /// tokens] or 1 in place of rows or heads that agree; of an entry that stands for several tokens,
  /// the first of them. Undefined when the retention plan says it: source scales ascending, the
  /// target's own tokens last.
  at::Tensor positions = {};
  /// Added to the attention logits of every entry, float32, shaped like positions: the logarithm of
  /// how many tokens it stands for. Undefined when each stands for itself.
  at::Tensor bias = {};
};

/// What a target reads: one group for each head group of the retention plan, in its order, every
/// head in one of them. Groups may differ in their number of tokens.
using KvView = std::vector<KvGroup>;

/// The KV cache of one generation. It is asked once per (layer, scale), layers in order inside a
/// scale, scales ascending: here are K and V of this scale, give me what this target reads.
class KvCache {
 public:
  virtual ~KvCache() = default;

  virtual CacheNeeds needs() const { return {}; }

  /// Prepares for a new batch of `rows` rows (2 × batch under guidance). Keeps its buffers when the
  /// number of rows is unchanged.
  virtual void begin(std::int64_t rows) = 0;

  /// Takes K and V of (layer, scale), each [rows, heads, tokens(scale), head_dim], and returns what
  /// the target `scale` reads. `query` has the same shape and is only looked at when needs() says
  /// so.
  virtual KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                        const at::Tensor& query) = 0;

  /// Attention mass per read key of every group that update returned, [rows, heads of the group,
  /// tokens read], after (layer, scale) is done. Called only when needs() asks for it.
  virtual void receive_key_mass(int /*layer*/, int /*scale*/,
                                const std::vector<at::Tensor>& /*mass*/) {}

  /// Bytes of the K and V buffers that belong to `layer` alone.
  virtual std::int64_t resident_bytes(int layer) const = 0;

  /// Bytes that a policy keeps for `layer` beside K and V, such as scores and indices.
  virtual std::int64_t metadata_bytes(int /*layer*/) const { return 0; }

  /// Bytes of the buffers that all layers share.
  virtual std::int64_t shared_bytes() const = 0;
};

/// What `cache` holds now for a model of `layers` layers.
CacheBytes bytes_of(const KvCache& cache, int layers);

}  // namespace kvscope
