#include "core/model/var.h"

#include <optional>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include "core/geometry/guidance_rows.h"
#include "core/model/attention.h"

namespace kvscope {
namespace {

at::Tensor rows_of(const at::Tensor& tensor, GuidanceRows::Range rows) {
  return tensor.narrow(0, rows.first, rows.count);
}

// The scale of every token, [total tokens] int64.
at::Tensor scale_of_tokens(const ScaleSchedule& schedule, at::Device device) {
  std::vector<at::Tensor> scales;
  scales.reserve(static_cast<std::size_t>(schedule.scales()));
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    scales.push_back(
        at::full({schedule.tokens(scale)}, scale, at::TensorOptions(at::kLong).device(device)));
  }
  return at::cat(scales);
}

Modulation modulation_of_head(const at::Tensor& scale_shift) {
  const auto parts = scale_shift.to(at::kFloat).view({scale_shift.size(0), 1, 2, -1}).unbind(2);
  return {parts[0].add(1), parts[1].contiguous()};
}

}  // namespace

Var::Var(const ModelConfig& config, const StateDict& weights, at::Device device,
         at::ScalarType compute)
    : schedule_(config.schedule()), compute_(compute) {
  const ParameterSource root(weights, "var.", device, compute);
  word_embed_ = Linear::from(root.module("word_embed"));
  class_embedding_ = root.full("class_emb.weight");
  position_ = at::embedding(root.full("lvl_embed.weight"), scale_of_tokens(schedule_, device))
                  .unsqueeze(0)
                  .add_(root.full("pos_1LC"));
  start_position_ = root.full("pos_start") + position_.narrow(1, 0, schedule_.tokens(0));
  if (config.shared_aln) shared_adaln_ = Linear::from(root.module("shared_ada_lin.1"));
  for (int layer = 0; layer < config.depth; ++layer) {
    blocks_.emplace_back(config, layer, root.module(fmt::format("blocks.{}", layer)));
  }
  head_adaln_ = Linear::from(root.module("head_nm.ada_lin.1"));
  head_ = Linear::from(root.module("head"));
}

Conditioning Var::condition(const at::Tensor& labels) const {
  Conditioning conditioning;
  const at::Tensor embedding = at::embedding(class_embedding_, labels);
  const at::Tensor active = at::silu(embedding);
  const at::Tensor of_blocks = shared_adaln_ ? (*shared_adaln_)(active).to(at::kFloat) : active;
  for (const TransformerBlock& block : blocks_) {
    conditioning.blocks.push_back(block.modulation(of_blocks));
  }
  conditioning.head = modulation_of_head(head_adaln_(active));
  conditioning.embedding = embedding.unsqueeze(1);
  return conditioning;
}

at::Tensor Var::first_input(const Conditioning& conditioning) const {
  return conditioning.embedding + start_position_;
}

at::Tensor Var::next_input(const at::Tensor& codes, int scale) const {
  const at::Tensor words = word_embedding(codes);
  const GuidanceRows rows = GuidanceRows::of_samples(words.size(0));
  at::Tensor input = at::empty({rows.count(), words.size(1), words.size(2)}, position_.options());
  at::Tensor conditional = rows_of(input, rows.conditional());
  at::add_out(conditional, words,
              position_.narrow(1, schedule_.begin(scale), schedule_.tokens(scale)));
  rows_of(input, rows.unconditional()).copy_(conditional);
  return input;
}

at::Tensor Var::run_blocks(at::Tensor input, int scale, const Conditioning& conditioning,
                           KvCache& cache, const ScaleHooks& hooks) const {
  const GuidanceRows rows = GuidanceRows::of_rows(input.size(0));
  const bool watched_mass = hooks.watcher != nullptr && hooks.watcher->wants_mass();
  const bool cache_mass = cache.needs().key_mass;
  const std::int64_t mass_rows = cache_mass ? input.size(0) : watched_mass ? rows.samples() : 0;
  for (std::size_t index = 0; index < blocks_.size(); ++index) {
    const int layer = static_cast<int>(index);
    const auto attend_cached = [&](const Projections& own) {
      KvView read;
      {
        const ModuleScope scope(hooks.sites, Module::qk_norm_cache, layer);
        read = cache.update(layer, scale, own.key, own.value, own.query);
      }
      Attention attention;
      {
        const ModuleScope scope(hooks.sites, Module::attention_core, layer);
        attention = attend(own.query, read, mass_rows);
      }
      if (cache_mass) cache.receive_key_mass(layer, scale, attention.mass);
      if (hooks.watcher != nullptr) {
        const std::vector<at::Tensor> mass =
            watched_mass ? first_rows(attention.mass, rows.samples()) : std::vector<at::Tensor>{};
        hooks.watcher->on_attention({layer, scale, own.query, own.key, own.value, read, mass});
      }
      return attention.output;
    };
    blocks_[index].run(input, conditioning.blocks[index], hooks.sites, attend_cached);
  }
  return input;
}

at::Tensor Var::guided_logits(const at::Tensor& hidden, const Conditioning& conditioning,
                              double strength) const {
  const at::Tensor normal = modulated_norm(hidden, conditioning.head, at::kFloat);
  const GuidanceRows rows = GuidanceRows::of_rows(normal.size(0));
  at::Tensor guided = rows_of(normal, rows.conditional());
  guided.mul_(1 + strength).sub_(rows_of(normal, rows.unconditional()), strength);
  return head_(guided).to(at::kFloat);
}

at::Tensor Var::teacher_forced_logits(const at::Tensor& labels, const at::Tensor& inputs,
                                      int scales) const {
  const std::int64_t tokens = schedule_.begin(scales);
  const std::int64_t first = schedule_.tokens(0);
  const Conditioning conditioning = condition(labels);
  at::Tensor hidden = first_input(conditioning);
  if (scales > 1) {
    const at::Tensor words = word_embedding(inputs) + position_.narrow(1, first, tokens - first);
    hidden = at::cat({hidden, words}, 1);
  }
  const at::Tensor scale = scale_of_tokens(schedule_, labels.device()).narrow(0, 0, tokens);
  const at::Tensor visible = scale.unsqueeze(1) >= scale.unsqueeze(0);
  const auto attend_masked = [&](const Projections& own) {
    return at::scaled_dot_product_attention(own.query, own.key, own.value, visible,
                                            /*dropout_p=*/0.0, /*is_causal=*/false, /*scale=*/1.0)
        .transpose(1, 2)
        .flatten(2);
  };
  for (std::size_t index = 0; index < blocks_.size(); ++index) {
    blocks_[index].run(hidden, conditioning.blocks[index], nullptr, attend_masked);
  }
  return head_(modulated_norm(hidden, conditioning.head, compute_)).to(at::kFloat);
}

at::Tensor Var::word_embedding(const at::Tensor& codes) const {
  return word_embed_(codes).to(at::kFloat);
}

}  // namespace kvscope
