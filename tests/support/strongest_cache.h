#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include "core/budget/retention_plan.h"
#include "core/cache/kv_cache.h"

namespace kvscope::testing {

/// A cache of the slow and obvious kind for KeepStrongest: of what a target read and itself, each
/// row and head keeps as many tokens as the plan says, those that got the most attention so far.
class StrongestCache final : public KvCache {
 public:
  /// Without `gives_positions` nobody learns which tokens were picked.
  StrongestCache(const RetentionPlan& plan, bool gives_positions)
      : plan_(plan), gives_positions_(gives_positions) {}

  CacheNeeds needs() const override { return {.key_mass = true}; }

  void begin(std::int64_t rows) override {
    rows_ = rows;
    layers_.assign(static_cast<std::size_t>(plan_.layers()), {});
  }

  KvView update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                const at::Tensor& /*query*/) override {
    const ScaleSchedule& schedule = plan_.schedule();
    std::vector<Entries>& entries = layers_.at(static_cast<std::size_t>(layer));
    if (scale == 0) entries.assign(plan_.groups(layer).size(), {});
    KvView view;
    for (std::size_t g = 0; g < entries.size(); ++g) {
      const HeadSet& heads = plan_.groups(layer)[g].heads();
      const at::Tensor indices = at::tensor(heads.indices());
      const at::Tensor positions = at::arange(schedule.begin(scale), schedule.end(scale))
                                       .view({1, 1, -1})
                                       .expand({rows_, heads.size(), schedule.tokens(scale)});
      const Entries own = {key.index_select(1, indices), value.index_select(1, indices), positions,
                           at::zeros({rows_, heads.size(), schedule.tokens(scale)})};
      entries[g] = scale == 0 ? own : joined(entries[g], own);
      view.push_back({.heads = heads,
                      .key = entries[g].key,
                      .value = entries[g].value,
                      .positions = gives_positions_ ? entries[g].positions : at::Tensor()});
    }
    return view;
  }

  void receive_key_mass(int layer, int scale, const std::vector<at::Tensor>& mass) override {
    std::vector<Entries>& entries = layers_.at(static_cast<std::size_t>(layer));
    for (std::size_t g = 0; g < entries.size(); ++g) {
      entries[g].score = entries[g].score + mass.at(g);
      entries[g] = strongest(entries[g], plan_.groups(layer)[g].held_tokens(scale));
    }
  }

  std::int64_t resident_bytes(int layer) const override {
    std::int64_t bytes = 0;
    for (const Entries& entries : layers_.at(static_cast<std::size_t>(layer))) {
      bytes += static_cast<std::int64_t>(entries.key.nbytes() + entries.value.nbytes());
    }
    return bytes;
  }
  std::int64_t shared_bytes() const override { return 0; }

 private:
  struct Entries {
    at::Tensor key;        // [rows, heads of the group, tokens, head_dim]
    at::Tensor value;      // likewise
    at::Tensor positions;  // [rows, heads of the group, tokens]
    at::Tensor score;      // likewise
  };

  static Entries joined(const Entries& a, const Entries& b) {
    return {at::cat({a.key, b.key}, 2), at::cat({a.value, b.value}, 2),
            at::cat({a.positions, b.positions}, 2), at::cat({a.score, b.score}, 2)};
  }

  static Entries strongest(const Entries& all, std::int64_t tokens) {
    if (tokens == all.score.size(2)) return all;
    const at::Tensor picked = std::get<1>(at::topk(all.score, tokens, 2));
    const auto pick = [&](const at::Tensor& tensor) {
      return tensor.gather(2, picked.unsqueeze(3).expand({-1, -1, -1, tensor.size(3)}));
    };
    return {pick(all.key), pick(all.value), all.positions.gather(2, picked),
            all.score.gather(2, picked)};
  }

  const RetentionPlan& plan_;
  bool gives_positions_;
  std::int64_t rows_ = 0;
  std::vector<std::vector<Entries>> layers_;
};

}  // namespace kvscope::testing
