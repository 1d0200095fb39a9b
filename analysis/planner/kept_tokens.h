#pragma once

#include <cstdint>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/head_set.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_all.h"

namespace kvscope {

/// What the heads of one group keep.
struct KeptHeads {
  HeadSet heads;
  std::int64_t kept_tokens = 0;           ///< most cached tokens held at a time
  std::vector<std::int64_t> read_tokens;  ///< [target], cached tokens
};

/// What one layer keeps under a budget.
struct KeptTokens {
  int layer = 0;
  LayerClass layer_class = LayerClass::demanding;
  LayerRule rule = KeepAll{};
  std::vector<KeptHeads> groups;     ///< one for all heads, unless they keep unequal tokens
  std::int64_t held_peak_bytes = 0;  ///< of this layer alone
};

/// One entry for each layer.
std::vector<KeptTokens> kept_tokens(const Budget& budget, const KvShape& shape);

}  // namespace kvscope
