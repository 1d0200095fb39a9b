#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/retention_plan.h"

namespace kvscope {

/// Tokens that the K and V buffers of the eager runtime have room for, over all heads. The caches
/// take their sizes from here, the planner what a run will take.
struct CacheBuffers {
  std::vector<std::int64_t> layer_tokens;  ///< [layer], of the buffer that belongs to it alone
  std::int64_t shared_tokens = 0;          ///< of the one buffer that all layers share
};

/// Whether a budget runs on the full cache rather than by its plan. A hand-written budget that
/// keeps all still runs planned: its policy asked for the plan.
bool runs_vanilla(const Budget& budget);

/// Whether `layer` goes on to keep all that `target` read and the target itself, so that the target
/// is laid out in the layer's own buffer; otherwise it is in the shared one. Throws Error for a
/// plan that is not made of whole scales.
bool appends_in_place(const RetentionPlan& plan, int layer, int target);

/// Every layer keeps every token.
CacheBuffers vanilla_buffers(const ScaleSchedule& schedule, int layers);

/// A layer has room for the most it holds between two scales; the shared buffer for the widest
/// target, all that it reads and itself, that is not appended in place.
CacheBuffers planned_buffers(const RetentionPlan& plan);

/// Of the cache that runs `budget`.
CacheBuffers cache_buffers(const Budget& budget);

}  // namespace kvscope
