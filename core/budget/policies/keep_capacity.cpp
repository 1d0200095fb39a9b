#include "core/budget/policies/keep_capacity.h"

#include <deque>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kvscope {
namespace {

// Condensed scales are locked, the others leave in the order they came.
SourceScales sources_of(const KeepCapacity& rule, const ScaleSchedule& schedule) {
  const std::int64_t room = rule.capacity_tokens - schedule.begin(rule.condensed_scales);
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

std::vector<std::int64_t> held_by_scale(const KeepCapacity& rule, const ScaleSchedule& schedule) {
  const std::vector<HeadGroup> groups = rule.groups(schedule, 1);
  std::vector<std::int64_t> held;
  for (int scale = 0; scale < schedule.scales(); ++scale) {
    held.push_back(groups.front().held_tokens(scale));
  }
  return held;
}

}  // namespace

KeepCapacity KeepCapacity::parse(JsonFields& fields, const ScaleSchedule& schedule) {
  KeepCapacity rule;
  rule.condensed_scales = integer_between(fields, condensed_field, 0, schedule.scales());
  rule.capacity_tokens = fields.integer(key, 0);
  return rule;
}

void KeepCapacity::write(nlohmann::json& layer) const {
  layer[condensed_field] = condensed_scales;
  layer[key] = capacity_tokens;
}

std::string KeepCapacity::in_words() const {
  return fmt::format("condensed {}, capacity {}", condensed_scales, capacity_tokens);
}

std::optional<RuleProblem> KeepCapacity::problem(const ScaleSchedule& schedule) const {
  if (auto wrong = problem_of_scales(condensed_field, condensed_scales, schedule)) return wrong;
  const std::int64_t condensed_tokens = schedule.begin(condensed_scales);
  if (capacity_tokens >= condensed_tokens) return std::nullopt;
  return RuleProblem{std::string(key),
                     fmt::format("at least {}, the tokens of its {} condensed scales",
                                 condensed_tokens, condensed_scales),
                     fmt::to_string(capacity_tokens)};
}

std::vector<HeadGroup> KeepCapacity::groups(const ScaleSchedule& schedule, int heads) const {
  return {HeadGroup::of_whole_scales(HeadSet::all(heads), schedule, sources_of(*this, schedule))};
}

RuleOptions KeepCapacity::plan_options() const {
  return {{condensed_option, condensed_scales}, {std::string(key), capacity_tokens}};
}

std::optional<KeepCapacity> KeepCapacity::next_larger(const ScaleSchedule& schedule) const {
  const std::int64_t largest = schedule.begin(schedule.last_scale());
  const std::vector<std::int64_t> held = held_by_scale(*this, schedule);
  KeepCapacity next = *this;
  while (++next.capacity_tokens <= largest) {
    if (held_by_scale(next, schedule) != held) return next;
  }
  return std::nullopt;
}

}  // namespace kvscope
