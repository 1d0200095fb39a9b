#include "core/model/attention.h"

#include <algorithm>

#include <ATen/ops/bmm.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

namespace kvscope {
namespace {

// Softmax weights of a block: on a CPU few enough to stay near its caches, on a device many enough
// to fill it.
constexpr std::int64_t block_weights_cpu = std::int64_t{1} << 20;
constexpr std::int64_t block_weights_device = std::int64_t{1} << 26;

// The heads of the first rows as one batch: [rows · heads, tokens, head_dim].
at::Tensor flatten_heads(const at::Tensor& tensor, std::int64_t rows) {
  return tensor.narrow(0, 0, rows).flatten(0, 1);
}

// Softmax weights [heads, queries, keys] in float32 of some heads and some of their queries.
struct WeightBlock {
  std::int64_t first_head;
  std::int64_t first_query;
  at::Tensor weights;
};

// Calls `use` with block after block. A block holds whole rows of weights, so that it is normalised
// without the others.
template <typename Use>
void for_weight_blocks(const at::Tensor& query, const at::Tensor& key, Use use) {
  // Half types on a CPU go through float32: their own products would round the scores.
  const at::ScalarType product_type = query.is_cpu() ? at::kFloat : query.scalar_type();
  const std::int64_t most_weights = query.is_cpu() ? block_weights_cpu : block_weights_device;
  const std::int64_t heads = query.size(0);
  const std::int64_t queries = query.size(1);
  const std::int64_t keys = key.size(1);
  const std::int64_t block_queries = std::clamp<std::int64_t>(most_weights / keys, 1, queries);
  const std::int64_t block_heads =
      std::clamp<std::int64_t>(most_weights / (keys * block_queries), 1, heads);
  for (std::int64_t head = 0; head < heads; head += block_heads) {
    const std::int64_t head_count = std::min(block_heads, heads - head);
    const at::Tensor q = query.narrow(0, head, head_count).to(product_type);
    const at::Tensor k = key.narrow(0, head, head_count).to(product_type).transpose(1, 2);
    for (std::int64_t first = 0; first < queries; first += block_queries) {
      const std::int64_t query_count = std::min(block_queries, queries - first);
      const at::Tensor weights =
          at::softmax(at::bmm(q.narrow(1, first, query_count), k), 2, at::kFloat);
      use(WeightBlock{head, first, weights});
    }
  }
}

// Attention mass [rows, heads, keys] of the first rows, summed from the blocks that hold them.
class MassSum {
 public:
  MassSum(const at::Tensor& query, const at::Tensor& key, std::int64_t rows)
      : mass_{at::zeros({rows, key.size(1), key.size(2)}, query.options().dtype(at::kFloat))},
        by_head_{mass_.view({rows * key.size(1), key.size(2)})} {}

  void add(const WeightBlock& block) {
    const std::int64_t heads = std::min(block.weights.size(0), by_head_.size(0) - block.first_head);
    if (heads <= 0) return;
    by_head_.narrow(0, block.first_head, heads).add_(at::sum(block.weights.narrow(0, 0, heads), 1));
  }

  const at::Tensor& mass() const { return mass_; }

 private:
  at::Tensor mass_;
  at::Tensor by_head_;  // view [rows · heads, keys]
};

// One pass over the weights serves output and mass.
Attention attend_on_cpu(const at::Tensor& query, const KvView& read, std::int64_t mass_rows) {
  const std::int64_t rows = query.size(0);
  const at::Tensor value = flatten_heads(read.value, rows);
  const at::Tensor output = at::empty_like(query, at::MemoryFormat::Contiguous);
  const at::Tensor output_by_head =
      output.view({rows * query.size(1), query.size(2), query.size(3)});
  MassSum mass{query, read.key, mass_rows};
  for_weight_blocks(
      flatten_heads(query, rows), flatten_heads(read.key, rows), [&](const WeightBlock& block) {
        const std::int64_t heads = block.weights.size(0);
        output_by_head.narrow(0, block.first_head, heads)
            .narrow(1, block.first_query, block.weights.size(1))
            .copy_(at::bmm(block.weights, value.narrow(0, block.first_head, heads).to(at::kFloat)));
        mass.add(block);
      });
  return {output, mass.mass()};
}

// The library's fused kernel does not give its weights, so the mass is summed beside it.
Attention attend_on_device(const at::Tensor& query, const KvView& read, std::int64_t mass_rows) {
  const at::Tensor output =
      at::scaled_dot_product_attention(query, read.key, read.value, /*attn_mask=*/{},
                                       /*dropout_p=*/0.0, /*is_causal=*/false, /*scale=*/1.0);
  MassSum mass{query, read.key, mass_rows};
  if (mass_rows > 0) {
    for_weight_blocks(flatten_heads(query, mass_rows), flatten_heads(read.key, mass_rows),
                      [&](const WeightBlock& block) { mass.add(block); });
  }
  return {output, mass.mass()};
}

}  // namespace

Attention attend(const at::Tensor& query, const KvView& read, std::int64_t mass_rows) {
  Attention attention = query.is_cpu() ? attend_on_cpu(query, read, mass_rows)
                                       : attend_on_device(query, read, mass_rows);
  attention.output = attention.output.transpose(1, 2).flatten(2);
  return attention;
}

}  // namespace kvscope
