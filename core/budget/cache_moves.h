#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/retention_plan.h"

namespace kvscope {

/// Where K and V of some heads lie while a layer works.
enum class CachePlace {
  incoming,  ///< those of the target's own tokens, as the layer computed them
  own,       ///< the buffer that belongs to the layer: what stays between two scales
  shared,    ///< the buffer in which every layer lays out what is not kept as it was read
};

/// Tokens copied from one place to another.
struct CacheMove {
  CachePlace from = CachePlace::incoming;
  std::int64_t from_token = 0;
  CachePlace to = CachePlace::own;
  std::int64_t to_token = 0;
  std::int64_t tokens = 0;
  bool operator==(const CacheMove&) const = default;
};

/// What one head group does at one target: after the moves, in this order, the target reads the
/// first `read_tokens` tokens of `read`, itself included, and the layer's own buffer holds what
/// stays. Source scales are ascending in both.
struct CacheStep {
  std::vector<CacheMove> moves;
  CachePlace read = CachePlace::own;
  std::int64_t read_tokens = 0;

  std::int64_t copied_tokens() const;
};

/// Whether the group goes on to keep all that `target` read and the target itself, so that the
/// target is appended to the layer's own buffer and read there; otherwise [retained | target] is
/// laid out in the shared one, and what stays goes back.
bool appends_in_place(const HeadGroup& group, const ScaleSchedule& schedule, int target);

/// The fewest moves that keep the layer's own buffer as small as what it holds. Throws Error for
/// tokens that are picked by content: what moves is then known only in the run.
CacheStep cache_step(const HeadGroup& group, const ScaleSchedule& schedule, int target);

/// Room of the K and V buffers of the eager runtime, in tokens summed over heads. What the
/// caches allocate, and the planner says that a run will take.
struct CacheBuffers {
  std::vector<std::int64_t> layer_head_tokens;  ///< [layer], of the buffer that is its alone
  std::int64_t shared_head_tokens = 0;          ///< of the one buffer that all layers share

  std::int64_t head_tokens() const;
};

/// Whether a budget runs on the full cache rather than by its plan. A hand-written budget that
/// keeps all still runs planned: its policy asked for the plan.
bool runs_vanilla(const Budget& budget);

/// Every head of every layer keeps every token.
CacheBuffers vanilla_buffers(const ScaleSchedule& schedule, int layers, int heads);

/// A head group has room for the most it holds between two scales; the shared buffer for the widest
/// target of a layer: all that it reads and itself, of the groups that do not append it in place.
CacheBuffers planned_buffers(const RetentionPlan& plan);

/// Of the cache that runs `budget`.
CacheBuffers cache_buffers(const Budget& budget);

}  // namespace kvscope
