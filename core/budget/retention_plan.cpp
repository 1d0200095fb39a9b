#include "core/budget/retention_plan.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/error.h"

namespace kvscope {
namespace {

void check_rule(const LayerRule& rule, const ScaleSchedule& schedule) {
  if (const auto wrong = rule.problem(schedule)) {
    throw Error(fmt::format("[retention plan] {}: expected {}, got {}", wrong->field,
                            wrong->expected, wrong->got));
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
    check_rule(layer.rule, schedule_);
    std::vector<HeadGroup> groups = layer.rule.groups(schedule_, heads_);
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
