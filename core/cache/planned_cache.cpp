#include "core/cache/planned_cache.h"

#include <utility>

#include <ATen/ops/empty.h>

namespace kvscope {
namespace {

// What the heads of a group take of the tensor of all heads, run by run.
void copy_heads(const at::Tensor& all, const std::vector<HeadRun>& runs, const at::Tensor& to) {
  if (runs.size() == 1 && runs.front().heads == all.size(1)) {
    to.copy_(all);
    return;
  }
  std::int64_t first = 0;
  for (const HeadRun& run : runs) {
    to.narrow(1, first, run.heads).copy_(all.narrow(1, run.first, run.heads));
    first += run.heads;
  }
}

// One of K and V: makes the moves and returns what the target reads.
at::Tensor take_step(const CacheStep& step, const std::vector<HeadRun>& runs,
                     const at::Tensor& incoming, const at::Tensor& own, const at::Tensor& shared) {
  const auto at_place = [&](CachePlace place) -> const at::Tensor& {
    return place == CachePlace::own ? own : shared;
  };
  for (const CacheMove& move : step.moves) {
    const at::Tensor to = at_place(move.to).narrow(2, move.to_token, move.tokens);
    if (move.from == CachePlace::incoming) {
      copy_heads(incoming.narrow(2, move.from_token, move.tokens), runs, to);
    } else {
      to.copy_(at_place(move.from).narrow(2, move.from_token, move.tokens));
    }
  }
  return at_place(step.read).narrow(2, 0, step.read_tokens);
}

}  // namespace

PlannedCache::PlannedCache(const RetentionPlan& plan, CacheStorage storage)
    : storage_(storage), shared_head_tokens_(planned_buffers(plan).shared_head_tokens) {
  const ScaleSchedule& schedule = plan.schedule();
  for (int layer = 0; layer < plan.layers(); ++layer) {
    std::vector<Group>& groups = layers_.emplace_back();
    for (const HeadGroup& group : plan.groups(layer)) {
      std::vector<CacheStep> steps;
      for (int target = 0; target < schedule.scales(); ++target) {
        steps.push_back(cache_step(group, schedule, target));
      }
      groups.push_back({.heads = group.heads(),
                        .runs = group.heads().runs(),
                        .tokens = group.most_held_tokens(),
                        .steps = std::move(steps),
                        .own = {}});
    }
  }
}

KvBuffers PlannedCache::allocate(const std::vector<std::int64_t>& shape) const {
  const auto options = at::TensorOptions(storage_.dtype).device(storage_.device);
  return {at::empty(shape, options), at::empty(shape, options)};
}

void PlannedCache::begin(std::int64_t rows) {
  if (rows == rows_) return;
  // The old buffers go first, so that two sizes never coexist.
  rows_ = 0;
  shared_ = {};
  for (std::vector<Group>& groups : layers_) {
    for (Group& group : groups) group.own = {};
  }
  shared_ = allocate({rows, shared_head_tokens_, storage_.head_dim});
  for (std::vector<Group>& groups : layers_) {
    for (Group& group : groups) {
      group.own = allocate({rows, group.heads.size(), group.tokens, storage_.head_dim});
    }
  }
  rows_ = rows;
}

KvBuffers PlannedCache::shared_part(const Group& group, std::int64_t first_head_token,
                                    std::int64_t tokens) const {
  const std::int64_t elements_of_one = rows_ * storage_.head_dim;
  const std::int64_t heads = group.heads.size();
  const auto part = [&](const at::Tensor& whole) {
    return whole.view({-1})
        .narrow(0, first_head_token * elements_of_one, heads * tokens * elements_of_one)
        .view({rows_, heads, tokens, storage_.head_dim});
  };
  return {part(shared_.key), part(shared_.value)};
}

KvView PlannedCache::update(int layer, int scale, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& /*query*/) {
  KvView view;
  std::int64_t taken = 0;  // of the shared buffer, by the groups before
  for (const Group& group : layers_.at(static_cast<std::size_t>(layer))) {
    const CacheStep& step = group.steps.at(static_cast<std::size_t>(scale));
    KvBuffers shared;
    if (step.read == CachePlace::shared) {
      shared = shared_part(group, taken, step.read_tokens);
      taken += step.read_tokens * group.heads.size();
    }
    view.push_back({.heads = group.heads,
                    .key = take_step(step, group.runs, key, group.own.key, shared.key),
                    .value = take_step(step, group.runs, value, group.own.value, shared.value)});
  }
  return view;
}

std::int64_t PlannedCache::resident_bytes(int layer) const {
  std::int64_t bytes = 0;
  for (const Group& group : layers_.at(static_cast<std::size_t>(layer))) bytes += group.own.bytes();
  return bytes;
}

std::int64_t PlannedCache::shared_bytes() const { return shared_.bytes(); }

}  // namespace kvscope
