#include "core/budget/retention_plan.h"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

using Sources = std::vector<std::vector<int>>;  // [target], ascending source scales

Sources sources_of(const KeepAll&, const ScaleSchedule& schedule) {
  Sources sources(static_cast<std::size_t>(schedule.scales()));
  for (int target = 0; target < schedule.scales(); ++target) {
    for (int source = 0; source < target; ++source) {
      sources[static_cast<std::size_t>(target)].push_back(source);
    }
  }
  return sources;
}

Sources sources_of(const KeepLocal& rule, const ScaleSchedule& schedule) {
  Sources sources(static_cast<std::size_t>(schedule.scales()));
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
Sources sources_of(const KeepCapacity& rule, const ScaleSchedule& schedule) {
  const std::int64_t room = rule.capacity_tokens - schedule.begin(rule.condensed_scales);
  if (room < 0) {
    throw Error(fmt::format(
        "[retention plan] capacity_tokens: expected at least {}, the tokens of {} condensed "
        "scales, got {}",
        schedule.begin(rule.condensed_scales), rule.condensed_scales, rule.capacity_tokens));
  }
  Sources sources(static_cast<std::size_t>(schedule.scales()));
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

std::int64_t tokens_of(const std::vector<int>& scales, const ScaleSchedule& schedule) {
  std::int64_t tokens = 0;
  for (const int scale : scales) tokens += schedule.tokens(scale);
  return tokens;
}

// Tokens of scales ≤ s that some target > s reads, for every s.
std::vector<std::int64_t> held_by_scale(const Sources& sources, const ScaleSchedule& schedule) {
  std::vector<int> last_target(sources.size(), -1);  // [source], -1: never read
  for (int target = 0; target < schedule.scales(); ++target) {
    for (const int source : sources[static_cast<std::size_t>(target)]) {
      last_target[static_cast<std::size_t>(source)] = target;
    }
  }
  std::vector<std::int64_t> held(sources.size(), 0);
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    for (int source = 0; source <= scale; ++source) {
      if (last_target[static_cast<std::size_t>(source)] > scale) {
        held[static_cast<std::size_t>(scale)] += schedule.tokens(source);
      }
    }
  }
  return held;
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

}  // namespace

RetentionPlan::RetentionPlan(const Budget& budget) : schedule_(budget.model.patch_nums) {
  if (budget.layers.size() != static_cast<std::size_t>(budget.model.depth)) {
    throw Error(fmt::format("[retention plan] layers: expected {}, got {}", budget.model.depth,
                            budget.layers.size()));
  }
  for (const LayerBudget& layer : budget.layers) {
    check_condensed(layer.rule, schedule_);
    Group group;
    group.sources =
        std::visit([&](const auto& rule) { return sources_of(rule, schedule_); }, layer.rule);
    for (const std::vector<int>& read : group.sources) {
      group.read_tokens.push_back(tokens_of(read, schedule_));
    }
    group.held_tokens = held_by_scale(group.sources, schedule_);
    layers_.push_back({.head_groups = {{.first_head = 0, .heads = budget.model.heads}},
                       .groups = {std::move(group)}});
  }
}

const std::vector<HeadGroup>& RetentionPlan::head_groups(int layer) const {
  return layers_.at(static_cast<std::size_t>(layer)).head_groups;
}

const RetentionPlan::Group& RetentionPlan::group_of(int layer, int group) const {
  return layers_.at(static_cast<std::size_t>(layer)).groups.at(static_cast<std::size_t>(group));
}

std::int64_t RetentionPlan::read_tokens(int layer, int target, int group) const {
  return group_of(layer, group).read_tokens.at(static_cast<std::size_t>(target));
}

std::int64_t RetentionPlan::held_tokens(int layer, int scale, int group) const {
  return group_of(layer, group).held_tokens.at(static_cast<std::size_t>(scale));
}

std::int64_t RetentionPlan::most_held_tokens(int layer, int group) const {
  const std::vector<std::int64_t>& held = group_of(layer, group).held_tokens;
  return *std::max_element(held.begin(), held.end());
}

bool RetentionPlan::has_source_scales(int layer, int group) const {
  return !group_of(layer, group).sources.empty();
}

const std::vector<int>& RetentionPlan::source_scales(int layer, int target, int group) const {
  if (!has_source_scales(layer, group)) {
    throw Error(
        fmt::format("[retention plan] layer {}: its policy picks tokens, not whole scales", layer));
  }
  return group_of(layer, group).sources.at(static_cast<std::size_t>(target));
}

}  // namespace kvscope
