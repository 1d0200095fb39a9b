#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/policies/keep_capacity.h"

namespace kvscope {

/// What a budget may take, and in which bytes.
struct ByteLimit {
  std::int64_t bytes = 0;
  KvBytes of = KvBytes::logical;
};

/// A budget in which layers of class demanding follow one rule and all others another.
Budget budget_of_classes(const BudgetModel& model, std::span<const LayerClass> classes,
                         const LayerRule& demanding, const LayerRule& efficient);

/// Peak of `demanding_layers` layers under `demanding` and the rest under `efficient`. It depends
/// on the number of layers of each class only, not on which they are.
std::int64_t peak_of_counts(const BudgetModel& model, int demanding_layers,
                            const LayerRule& demanding, const LayerRule& efficient,
                            const KvShape& shape, KvBytes of = KvBytes::logical);

/// The most demanding layers that stay within `limit`; -1 when none do.
int most_demanding_within(const BudgetModel& model, const LayerRule& demanding,
                          const LayerRule& efficient, const KvShape& shape, const ByteLimit& limit);

/// The largest capacity, common to the layers that are not demanding, that stays within `limit`.
/// Never more than all tokens that are ever read: beyond them nothing changes. The capacity of just
/// the condensed scales must fit.
KeepCapacity largest_capacity_within(const BudgetModel& model, int demanding_layers,
                                     const LayerRule& demanding, int condensed_scales,
                                     const KvShape& shape, const ByteLimit& limit);

/// Spends what the limit leaves: in rounds over `order`, gives one efficient layer at a time the
/// next larger rule of its form, as long as the budget stays within `limit`; ends when no layer has
/// one that fits. Layers whose rule has no larger neighbour, all but capacities, stay as they are.
void fill_capacities(Budget& budget, std::span<const std::size_t> order, const KvShape& shape,
                     const ByteLimit& limit);

/// The most bytes b with b / denominator ≤ ratio, compared as the ratios are printed.
std::int64_t bytes_within_ratio(double ratio, std::int64_t denominator_bytes);

}  // namespace kvscope
