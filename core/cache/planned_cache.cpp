#include "core/cache/planned_cache.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

PlannedCache::PlannedCache(RetentionPlan plan, CacheStorage storage)
    : plan_(std::move(plan)), storage_(storage), layers_(static_cast<std::size_t>(plan_.layers())) {
  const ScaleSchedule& schedule = plan_.schedule();
  for (int layer = 0; layer < plan_.layers(); ++layer) {
    if (plan_.head_groups(layer).size() != 1) {
      throw Error(fmt::format("[cache] layer {}: expected one retention rule for all heads, got {}",
                              layer, plan_.head_groups(layer).size()));
    }
    std::vector<Step>& steps = steps_.emplace_back();
    for (int target = 0; target < schedule.scales(); ++target) {
      steps.push_back(make_step(layer, target));
    }
  }
  buffers_ = planned_buffers(plan_);
}

PlannedCache::Step PlannedCache::make_step(int layer, int target) const {
  const ScaleSchedule& schedule = plan_.schedule();
  // What stays is at first everything the target read, itself included.
  std::vector<int> have = plan_.source_scales(layer, target);
  Step step;
  step.retained_tokens = plan_.read_tokens(layer, target);
  have.push_back(target);
  const std::vector<int> want =
      target < schedule.last_scale() ? plan_.source_scales(layer, target + 1) : std::vector<int>{};
  step.in_place = appends_in_place(plan_, layer, target);

  std::int64_t to = 0;
  for (const int scale : want) {
    const auto found = std::find(have.begin(), have.end(), scale);
    if (found == have.end()) {
      throw Error(
          fmt::format("[cache] layer {}: expected scale {} to stay away once evicted, got "
                      "it back at target {}",
                      layer, scale, target + 1));
    }
    std::int64_t from = 0;
    for (auto before = have.begin(); before != found; ++before) from += schedule.tokens(*before);
    const std::int64_t tokens = schedule.tokens(scale);
    const bool already_there = from == to && scale != target;
    if (!already_there) {
      const bool extends =
          !step.moves.empty() && step.moves.back().from + step.moves.back().tokens == from;
      if (extends) {
        step.moves.back().tokens += tokens;
      } else {
        step.moves.push_back({from, to, tokens});
      }
    }
    to += tokens;
  }
  return step;
}

KvBuffers PlannedCache::allocate(std::int64_t rows, std::int64_t tokens) const {
  const auto options = at::TensorOptions(storage_.dtype).device(storage_.device);
  const std::vector<std::int64_t> shape = {rows, storage_.heads, tokens, storage_.head_dim};
  return {at::empty(shape, options), at::empty(shape, options)};
}

void PlannedCache::begin(std::int64_t rows) {
  if (rows == rows_) return;
  // The old buffers go first, so that two sizes never coexist.
  rows_ = 0;
  scratch_ = {};
  layers_.assign(layers_.size(), {});
  scratch_ = allocate(rows, buffers_.shared_tokens);
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    layers_[layer] = allocate(rows, buffers_.layer_tokens[layer]);
  }
  rows_ = rows;
}

KvView PlannedCache::update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& /*query*/) {
  const auto index = static_cast<std::size_t>(layer);
  const Step& step = steps_.at(index).at(static_cast<std::size_t>(scale));
  const std::int64_t retained = step.retained_tokens;
  const std::int64_t tokens = plan_.schedule().tokens(scale);
  const auto lay_out = [&](const at::Tensor& own, const at::Tensor& scratch,
                           const at::Tensor& current) {
    const at::Tensor& place = step.in_place ? own : scratch;
    if (!step.in_place && retained > 0) {
      place.narrow(2, 0, retained).copy_(own.narrow(2, 0, retained));
    }
    place.narrow(2, retained, tokens).copy_(current);
    if (!step.in_place) {
      for (const Move& move : step.moves) {
        own.narrow(2, move.to, move.tokens).copy_(scratch.narrow(2, move.from, move.tokens));
      }
    }
    return place.narrow(2, 0, retained + tokens);
  };
  const KvBuffers& own = layers_[index];
  return {{.heads = HeadSet::all(storage_.heads),
           .key = lay_out(own.key, scratch_.key, key),
           .value = lay_out(own.value, scratch_.value, value)}};
}

std::int64_t PlannedCache::resident_bytes(int layer) const {
  return layers_.at(static_cast<std::size_t>(layer)).bytes();
}

std::int64_t PlannedCache::shared_bytes() const { return scratch_.bytes(); }

}  // namespace kvscope
