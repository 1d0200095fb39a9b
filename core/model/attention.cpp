#include "core/model/attention.h"

#include <algorithm>
#include <tuple>

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

namespace kvscope {
namespace {

// Most softmax weights alive at a time while mass is summed: 1 MiB on a CPU, to stay in its cache;
// on a device 256 MiB, to fill it.
constexpr std::int64_t block_elements_cpu = std::int64_t{1} << 18;
constexpr std::int64_t block_elements_device = std::int64_t{1} << 26;

// The heads of the first rows as one batch: [rows · heads, tokens, head_dim].
at::Tensor flatten_heads(const at::Tensor& tensor, std::int64_t rows) {
  return tensor.narrow(0, 0, rows).flatten(0, 1);
}

// Calls `sum_block(first head, heads, first query, queries)` over blocks of bounded size.
template <typename SumBlock>
void for_blocks(std::int64_t heads, std::int64_t queries, std::int64_t keys, std::int64_t elements,
                SumBlock sum_block) {
  const std::int64_t block_queries = std::clamp<std::int64_t>(elements / keys, 1, queries);
  const std::int64_t block_heads =
      std::clamp<std::int64_t>(elements / (keys * block_queries), 1, heads);
  for (std::int64_t head = 0; head < heads; head += block_heads) {
    for (std::int64_t first = 0; first < queries; first += block_queries) {
      sum_block(head, std::min(block_heads, heads - head), first,
                std::min(block_queries, queries - first));
    }
  }
}

// Σ over queries of exp(q·k − log Σ exp): the log-sum-exp that the attention itself found replaces
// a second pass for maximum and sum.
at::Tensor mass_from_log_sums(const at::Tensor& query, const at::Tensor& key,
                              const at::Tensor& log_sums, std::int64_t rows) {
  const at::Tensor q = flatten_heads(query, rows).to(at::kFloat);
  const at::Tensor k = flatten_heads(key, rows).to(at::kFloat).transpose(1, 2);
  const at::Tensor offsets = flatten_heads(log_sums, rows).neg().unsqueeze(2);
  at::Tensor mass = at::zeros({q.size(0), 1, k.size(2)}, q.options());
  for_blocks(q.size(0), q.size(1), k.size(2), block_elements_cpu,
             [&](std::int64_t head, std::int64_t heads, std::int64_t first, std::int64_t queries) {
               const auto pick = [&](const at::Tensor& tensor) {
                 return tensor.narrow(0, head, heads).narrow(1, first, queries);
               };
               at::Tensor weights =
                   at::baddbmm(pick(offsets), pick(q), k.narrow(0, head, heads)).exp_();
               mass.narrow(0, head, heads).add_(at::sum(weights, 1, /*keepdim=*/true));
             });
  return mass.view({rows, query.size(1), k.size(2)});
}

// The same where no log-sum-exp is at hand: a block holds whole rows, so it can be normalised.
at::Tensor mass_from_softmax(const at::Tensor& query, const at::Tensor& key, std::int64_t rows) {
  const at::Tensor q = flatten_heads(query, rows);
  const at::Tensor k = flatten_heads(key, rows).transpose(1, 2);
  at::Tensor mass = at::zeros({q.size(0), 1, k.size(2)}, q.options().dtype(at::kFloat));
  for_blocks(q.size(0), q.size(1), k.size(2), block_elements_device,
             [&](std::int64_t head, std::int64_t heads, std::int64_t first, std::int64_t queries) {
               const at::Tensor scores = at::bmm(q.narrow(0, head, heads).narrow(1, first, queries),
                                                 k.narrow(0, head, heads));
               const at::Tensor weights = at::softmax(scores, 2, at::kFloat);
               mass.narrow(0, head, heads).add_(at::sum(weights, 1, /*keepdim=*/true));
             });
  return mass.view({rows, query.size(1), k.size(2)});
}

}  // namespace

Attention attend(const at::Tensor& query, const KvView& read, std::int64_t mass_rows) {
  Attention result;
  at::Tensor output;
  if (query.is_cpu()) {
    at::Tensor log_sums;
    std::tie(output, log_sums) = at::_scaled_dot_product_flash_attention_for_cpu(
        query, read.key, read.value, /*dropout_p=*/0.0, /*is_causal=*/false, /*attn_mask=*/{},
        /*scale=*/1.0);
    if (mass_rows > 0) result.mass = mass_from_log_sums(query, read.key, log_sums, mass_rows);
  } else {
    output = at::scaled_dot_product_attention(query, read.key, read.value, /*attn_mask=*/{},
                                              /*dropout_p=*/0.0, /*is_causal=*/false,
                                              /*scale=*/1.0);
    if (mass_rows > 0) result.mass = mass_from_softmax(query, read.key, mass_rows);
  }
  result.output = output.transpose(1, 2).flatten(2);
  return result;
}

}  // namespace kvscope
