#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "core/cache/kv_cache.h"

namespace kvscope {

/// softmax(QKᵀ)V of one layer and scale.
struct Attention {
  at::Tensor output;  ///< [rows, tokens, heads · head_dim]
  at::Tensor mass;    ///< [mass_rows, heads, tokens read] float32
};

/// Attention of already scaled queries [rows, heads, tokens, head_dim] over what the target reads,
/// without a mask. `mass_rows` > 0 also sums, for the first rows, the softmax weight that each read
/// key receives over all queries. The output, in the dtype of the queries, is the same bit for bit
/// with and without mass. Weights are float32, on a CPU the products before and after them too, and
/// alive a block at a time.
Attention attend(const at::Tensor& query, const KvView& read, std::int64_t mass_rows);

}  // namespace kvscope
