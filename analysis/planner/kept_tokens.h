#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"

namespace kvscope {

/// What one layer keeps under a budget.
struct KeptTokens {
  int layer = 0;
  LayerClass layer_class = LayerClass::demanding;
  LayerRule rule;
  std::int64_t kept_tokens = 0;           ///< most cached tokens held at a time
  std::vector<std::int64_t> read_tokens;  ///< [target], cached tokens
  std::int64_t held_peak_bytes = 0;       ///< of this layer alone
};

/// One entry for each layer.
std::vector<KeptTokens> kept_tokens(const Budget& budget, const KvShape& shape);

}  // namespace kvscope
