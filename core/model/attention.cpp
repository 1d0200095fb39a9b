#include "core/model/attention.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "core/budget/head_set.h"

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

// Keys of a group as for_weight_blocks takes them.
struct FlatKeys {
  at::Tensor key;   // [heads, keys, head_dim]
  at::Tensor bias;  // [heads, 1, keys]; undefined without one
};

FlatKeys flat_keys(const KvGroup& read, std::int64_t rows) {
  FlatKeys flat{flatten_heads(read.key, rows), {}};
  if (read.bias.defined()) {
    flat.bias = read.bias.expand({read.key.size(0), read.key.size(1), read.key.size(2)})
                    .narrow(0, 0, rows)
                    .reshape({rows * read.key.size(1), 1, read.key.size(2)});
  }
  return flat;
}

// Calls `use` with block after block. A block holds whole rows of weights, so that it is normalised
// without the others.
template <typename Use>
void for_weight_blocks(const at::Tensor& query, const FlatKeys& read, Use use) {
  const at::Tensor& key = read.key;
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
      at::Tensor scores = at::bmm(q.narrow(1, first, query_count), k);
      if (read.bias.defined()) {
        scores = scores.to(at::kFloat).add_(read.bias.narrow(0, head, head_count));
      }
      use(WeightBlock{head, first, at::softmax(scores, 2, at::kFloat)});
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

// One group: output as the query is laid out, [rows, heads, tokens, head_dim].
struct GroupAttention {
  at::Tensor output;
  at::Tensor mass;
};

// One pass over the weights serves output and mass.
GroupAttention attend_on_cpu(const at::Tensor& query, const KvGroup& read, std::int64_t mass_rows) {
  const std::int64_t rows = query.size(0);
  const at::Tensor value = flatten_heads(read.value, rows);
  const at::Tensor output = at::empty_like(query, at::MemoryFormat::Contiguous);
  const at::Tensor output_by_head =
      output.view({rows * query.size(1), query.size(2), query.size(3)});
  MassSum mass{query, read.key, mass_rows};
  for_weight_blocks(
      flatten_heads(query, rows), flat_keys(read, rows), [&](const WeightBlock& block) {
        const std::int64_t heads = block.weights.size(0);
        output_by_head.narrow(0, block.first_head, heads)
            .narrow(1, block.first_query, block.weights.size(1))
            .copy_(at::bmm(block.weights, value.narrow(0, block.first_head, heads).to(at::kFloat)));
        mass.add(block);
      });
  return {output, mass.mass()};
}

// The library's fused kernel does not give its weights, so the mass is summed beside it.
GroupAttention attend_on_device(const at::Tensor& query, const KvGroup& read,
                                std::int64_t mass_rows) {
  std::optional<at::Tensor> mask;
  if (read.bias.defined()) {
    mask = read.bias.to(query.scalar_type())
               .unsqueeze(2)
               .expand({query.size(0), query.size(1), query.size(2), read.key.size(2)});
  }
  const at::Tensor output =
      at::scaled_dot_product_attention(query, read.key, read.value, mask, /*dropout_p=*/0.0,
                                       /*is_causal=*/false, /*scale=*/1.0);
  MassSum mass{query, read.key, mass_rows};
  if (mass_rows > 0) {
    for_weight_blocks(flatten_heads(query, mass_rows), flat_keys(read, mass_rows),
                      [&](const WeightBlock& block) { mass.add(block); });
  }
  return {output, mass.mass()};
}

GroupAttention attend_group(const at::Tensor& query, const KvGroup& read, std::int64_t mass_rows) {
  return query.is_cpu() ? attend_on_cpu(query, read, mass_rows)
                        : attend_on_device(query, read, mass_rows);
}

// Views where the heads follow each other, else a copy. Runs and not indices: nothing travels from
// the host to the device.
at::Tensor gather_heads(const at::Tensor& tensor, const std::vector<HeadRun>& runs) {
  std::vector<at::Tensor> parts;
  parts.reserve(runs.size());
  for (const HeadRun& run : runs) parts.push_back(tensor.narrow(1, run.first, run.heads));
  return parts.size() == 1 ? parts.front() : at::cat(parts, 1);
}

void scatter_heads(const at::Tensor& part, const std::vector<HeadRun>& runs,
                   const at::Tensor& whole) {
  std::int64_t first = 0;
  for (const HeadRun& run : runs) {
    whole.narrow(1, run.first, run.heads).copy_(part.narrow(1, first, run.heads));
    first += run.heads;
  }
}

void check_heads(const KvView& read, std::int64_t heads) {
  std::int64_t held = 0;
  for (const KvGroup& group : read) held += group.heads.size();
  if (held != heads) {
    throw Error(fmt::format("[attention] expected groups of {} heads in all, got {}", heads, held));
  }
}

at::Tensor attend_groups(const at::Tensor& query, const KvView& read, std::int64_t mass_rows,
                         std::vector<at::Tensor>& mass) {
  const at::Tensor output = at::empty_like(query, at::MemoryFormat::Contiguous);
  for (const KvGroup& group : read) {
    const std::vector<HeadRun> runs = group.heads.runs();
    GroupAttention part = attend_group(gather_heads(query, runs), group, mass_rows);
    scatter_heads(part.output, runs, output);
    mass.push_back(std::move(part.mass));
  }
  return output;
}

}  // namespace

std::vector<at::Tensor> first_rows(const std::vector<at::Tensor>& mass, std::int64_t rows) {
  std::vector<at::Tensor> first;
  first.reserve(mass.size());
  for (const at::Tensor& of_group : mass) first.push_back(of_group.narrow(0, 0, rows));
  return first;
}

Attention attend(const at::Tensor& query, const KvView& read, std::int64_t mass_rows) {
  check_heads(read, query.size(1));
  Attention attention;
  if (read.size() == 1) {
    GroupAttention whole = attend_group(query, read.front(), mass_rows);
    attention.output = std::move(whole.output);
    attention.mass.push_back(std::move(whole.mass));
  } else {
    attention.output = attend_groups(query, read, mass_rows, attention.mass);
  }
  if (mass_rows == 0) attention.mass.clear();
  attention.output = attention.output.transpose(1, 2).flatten(2);
  return attention;
}

}  // namespace kvscope
