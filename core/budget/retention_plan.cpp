#include "core/budget/retention_plan.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

SourceScales sources_of(const KeepAll&, const ScaleSchedule& schedule) {
  SourceScales sources(static_cast<std::size_t>(schedule.scales()));
  for (int target = 0; target < schedule.scales(); ++target) {
    for (int source = 0; source < target; ++source) {
      sources[static_cast<std::size_t>(target)].push_back(source);
    }
  }
  return sources;
}

SourceScales sources_of(const KeepLocal& rule, const ScaleSchedule& schedule) {
  SourceScales sources(static_cast<std::size_t>(schedule.scales()));
  for (int target = 0; target < schedule.scales(); ++target) {
    for (int source = 0; source < target; ++source) {
      if (source < rule.condensed_scales || source >= target - rule.local_scales) {
        sources[static_cast<std::size_t>(target)].push_back(source);
      }
    }
  }
  return sources;
}

// CLRU of AMS-KV: condensed scales are locked, the others leave in the order they came.
SourceScales sources_of(const KeepCapacity& rule, const ScaleSchedule& schedule) {
  const std::int64_t room = rule.capacity_tokens - schedule.begin(rule.condensed_scales);
  if (room < 0) {
    throw Error(fmt::format(
        "[retention plan] capacity_tokens: expected at least {}, the tokens of {} condensed "
        "scales, got {}",
        schedule.begin(rule.condensed_scales), rule.condensed_scales, rule.capacity_tokens));
  }
  SourceScales sources(static_cast<std::size_t>(schedule.scales()));
  std::vector<int> condensed;
  std::deque<int> queue;
  std::int64_t queue_tokens = 0;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    std::vector<int>& read = sources[static_cast<std::size_t>(scale)];
    read = condensed;
    read.insert(read.end(), queue.begin(), queue.end());
    if (scale < rule.condensed_scales) {
      condensed.push_back(scale);
      continue;
    }
    // A scale that alone exceeds the room is never admitted and evicts nothing.
    if (schedule.tokens(scale) > room) continue;
    queue.push_back(scale);
    queue_tokens += schedule.tokens(scale);
    while (queue_tokens > room) {
      queue_tokens -= schedule.tokens(queue.front());
      queue.pop_front();
    }
  }
  return sources;
}

void check_condensed(const LayerRule& rule, const ScaleSchedule& schedule) {
  int condensed = 0;
  if (const auto* local = std::get_if<KeepLocal>(&rule)) condensed = local->condensed_scales;
  if (const auto* capacity = std::get_if<KeepCapacity>(&rule)) {
    condensed = capacity->condensed_scales;
  }
  if (condensed < 0 || condensed > schedule.scales()) {
    throw Error(fmt::format("[retention plan] condensed_scales: expected 0 to {}, got {}",
                            schedule.scales(), condensed));
  }
}

void check_heads(const std::vector<HeadGroup>& groups, int heads) {
  if (groups.size() == 1 && groups.front().heads() == HeadSet::all(heads)) return;
  std::vector<int> held;
  for (const HeadGroup& group : groups) {
    const std::vector<int> indices = group.heads().indices();
    held.insert(held.end(), indices.begin(), indices.end());
  }
  std::sort(held.begin(), held.end());
  if (held != HeadSet::all(heads).indices()) {
    throw Error(fmt::format(
        "[retention plan] expected groups that hold every one of {} heads once, got [{}]", heads,
        fmt::join(held, ", ")));
  }
}

}  // namespace

RetentionPlan::RetentionPlan(const Budget& budget)
    : schedule_(budget.model.patch_nums), heads_(budget.model.heads) {
  if (budget.layers.size() != static_cast<std::size_t>(budget.model.depth)) {
    throw Error(fmt::format("[retention plan] layers: expected {}, got {}", budget.model.depth,
                            budget.layers.size()));
  }
  for (const LayerBudget& layer : budget.layers) {
    check_condensed(layer.rule, schedule_);
    SourceScales sources =
        std::visit([&](const auto& rule) { return sources_of(rule, schedule_); }, layer.rule);
    std::vector<HeadGroup> groups = {
        HeadGroup::of_whole_scales(HeadSet::all(heads_), schedule_, std::move(sources))};
    check_heads(groups, heads_);
    layers_.push_back(std::move(groups));
  }
}

std::int64_t RetentionPlan::read_head_tokens(int layer, int target) const {
  std::int64_t tokens = 0;
  for (const HeadGroup& group : groups(layer)) {
    tokens += group.read_tokens(target) * group.heads().size();
  }
  return tokens;
}

std::int64_t RetentionPlan::held_head_tokens(int layer, int scale) const {
  std::int64_t tokens = 0;
  for (const HeadGroup& group : groups(layer)) {
    tokens += group.held_tokens(scale) * group.heads().size();
  }
  return tokens;
}

std::int64_t RetentionPlan::most_held_head_tokens(int layer) const {
  std::int64_t most = 0;
  for (int scale = 0; scale < schedule_.scales(); ++scale) {
    most = std::max(most, held_head_tokens(layer, scale));
  }
  return most;
}

bool RetentionPlan::has_source_scales(int layer) const {
  const std::vector<HeadGroup>& all = groups(layer);
  return std::all_of(all.begin(), all.end(),
                     [](const HeadGroup& group) { return group.has_source_scales(); });
}

}  // namespace kvscope
