#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "core/cache/kv_cache.h"

namespace kvscope {

/// softmax(QKᵀ)V of one layer and scale.
struct Attention {
  at::Tensor output;  ///< [rows, tokens, heads · head_dim]
  /// Of every group of what was read, [mass_rows, heads of the group, tokens read] float32; none
  /// without mass_rows.
  std::vector<at::Tensor> mass;
};

/// The first `rows` rows of a mass.
std::vector<at::Tensor> first_rows(const std::vector<at::Tensor>& mass, std::int64_t rows);

/// Attention of already scaled queries [rows, heads, tokens, head_dim] over what the target reads,
/// group by group, without a mask; the order of the entries changes no more than rounding does. On
/// a device a bias is rounded to the dtype of the queries. `mass_rows` > 0 also sums, for the first
/// rows, the softmax weight that each read key receives over all queries. The output, in the dtype
/// of the queries, is the same bit for bit with and without mass. Weights are float32, on a CPU the
/// products before and after them too, and alive a block at a time. Throws Error when the groups do
/// not hold every head.
Attention attend(const at::Tensor& query, const KvView& read, std::int64_t mass_rows);

}  // namespace kvscope
