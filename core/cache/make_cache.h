#pragma once

#include <memory>

#include "core/budget/budget.h"
#include "core/cache/cache_storage.h"
#include "core/cache/kv_cache.h"

namespace kvscope {

/// The cache that runs `budget`: VanillaCache for the policy "vanilla", PlannedCache otherwise.
/// Throws Error for a budget no cache can run.
std::unique_ptr<KvCache> make_cache(const Budget& budget, at::ScalarType dtype, at::Device device);

}  // namespace kvscope
