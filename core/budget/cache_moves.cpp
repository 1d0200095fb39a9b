#include "core/budget/cache_moves.h"

#include <algorithm>
#include <numeric>

#include "core/budget/policies/keep_all.h"

namespace kvscope {
namespace {

// Adds a move, or lengthens the one before where both of its ends go on.
void add_move(std::vector<CacheMove>& moves, const CacheMove& move) {
  if (move.tokens == 0) return;
  if (!moves.empty()) {
    CacheMove& last = moves.back();
    const bool goes_on = last.from == move.from && last.to == move.to &&
                         last.from_token + last.tokens == move.from_token &&
                         last.to_token + last.tokens == move.to_token;
    if (goes_on) {
      last.tokens += move.tokens;
      return;
    }
  }
  moves.push_back(move);
}

// From [retained | target] in the shared buffer to the layer's own, which still has the retained
// tokens as they were: what stays at its place is not moved.
void add_moves_back(CacheStep& step, const HeadGroup& group, const ScaleSchedule& schedule,
                    int target) {
  std::int64_t to = 0;
  const std::vector<int>& have = group.source_scales(target);
  for (const int scale : group.source_scales(target + 1)) {
    std::int64_t from = 0;
    for (const int before : have) from += before < scale ? schedule.tokens(before) : 0;
    const std::int64_t tokens = schedule.tokens(scale);
    const bool stays = from == to && scale != target;
    if (!stays) add_move(step.moves, {CachePlace::shared, from, CachePlace::own, to, tokens});
    to += tokens;
  }
}

}  // namespace

std::int64_t CacheStep::copied_tokens() const {
  std::int64_t tokens = 0;
  for (const CacheMove& move : moves) tokens += move.tokens;
  return tokens;
}

bool appends_in_place(const HeadGroup& group, const ScaleSchedule& schedule, int target) {
  const std::int64_t read = group.read_tokens(target);
  const std::int64_t before = target == 0 ? 0 : group.held_tokens(target - 1);
  return read == before && group.held_tokens(target) == read + schedule.tokens(target);
}

CacheStep cache_step(const HeadGroup& group, const ScaleSchedule& schedule, int target) {
  const std::int64_t retained = group.read_tokens(target);
  const std::int64_t tokens = schedule.tokens(target);
  (void)group.source_scales(target);  // throws
  CacheStep step;
  step.read_tokens = retained + tokens;
  const bool in_place = appends_in_place(group, schedule, target);
  step.read = in_place ? CachePlace::own : CachePlace::shared;
  if (!in_place) add_move(step.moves, {CachePlace::own, 0, CachePlace::shared, 0, retained});
  add_move(step.moves, {CachePlace::incoming, 0, step.read, retained, tokens});
  if (!in_place && target < schedule.last_scale()) add_moves_back(step, group, schedule, target);
  return step;
}

std::int64_t CacheBuffers::head_tokens() const {
  return std::accumulate(layer_head_tokens.begin(), layer_head_tokens.end(), shared_head_tokens);
}

bool runs_vanilla(const Budget& budget) {
  return budget.policy == vanilla_policy &&
         std::all_of(budget.layers.begin(), budget.layers.end(),
                     [](const LayerBudget& layer) { return layer.rule == LayerRule(KeepAll{}); });
}

CacheBuffers vanilla_buffers(const ScaleSchedule& schedule, int layers, int heads) {
  return {.layer_head_tokens = std::vector<std::int64_t>(static_cast<std::size_t>(layers),
                                                         heads * schedule.total_tokens())};
}

CacheBuffers planned_buffers(const RetentionPlan& plan) {
  const ScaleSchedule& schedule = plan.schedule();
  CacheBuffers buffers;
  for (int layer = 0; layer < plan.layers(); ++layer) {
    std::int64_t own = 0;
    for (const HeadGroup& group : plan.groups(layer)) {
      own += group.most_held_tokens() * group.heads().size();
    }
    buffers.layer_head_tokens.push_back(own);
    for (int target = 0; target < schedule.scales(); ++target) {
      std::int64_t shared = 0;
      for (const HeadGroup& group : plan.groups(layer)) {
        if (appends_in_place(group, schedule, target)) continue;
        shared += (group.read_tokens(target) + schedule.tokens(target)) * group.heads().size();
      }
      buffers.shared_head_tokens = std::max(buffers.shared_head_tokens, shared);
    }
  }
  return buffers;
}

CacheBuffers cache_buffers(const Budget& budget) {
  const RetentionPlan plan(budget);
  return runs_vanilla(budget) ? vanilla_buffers(plan.schedule(), plan.layers(), plan.heads())
                              : planned_buffers(plan);
}

}  // namespace kvscope
