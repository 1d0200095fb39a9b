#pragma once

#include "analysis/views/scale_maps.h"
#include "core/base/nd_array.h"
#include "core/budget/retention_plan.h"

namespace kvscope {

/// Which part of each target's attention goes to what a plan lets it read, its own scale included,
/// [layer, target]: 1 where everything is kept. `shares` are those of the vanilla cache, as
/// attention_share gives them. NaN where a policy picks tokens by content: which it would have
/// picked is not known. The cover of condensed and local scales is that of a budget whose layers
/// all keep them.
NdArray<double> covered_attention(const NdArray<double>& shares, const RetentionPlan& plan,
                                  HeadChoice head = std::nullopt);

}  // namespace kvscope
