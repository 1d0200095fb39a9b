#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/budget/budget.h"
#include "core/budget/kv_bytes.h"

namespace kvscope {

/// A budget in which layers of class demanding follow one rule and all others another.
Budget budget_of_classes(const BudgetModel& model, std::span<const LayerClass> classes,
                         const LayerRule& demanding, const LayerRule& efficient);

/// Logical peak of `demanding_layers` layers under `demanding` and the rest under `efficient`. It
/// depends on the number of layers of each class only, not on which they are.
std::int64_t peak_of_counts(const BudgetModel& model, int demanding_layers,
                            const LayerRule& demanding, const LayerRule& efficient,
                            const KvShape& shape);

/// The most demanding layers whose logical peak stays within `limit_bytes`; -1 when none do.
int most_demanding_within(const BudgetModel& model, const LayerRule& demanding,
                          const LayerRule& efficient, const KvShape& shape,
                          std::int64_t limit_bytes);

/// The largest capacity, common to the layers that are not demanding, whose logical peak stays
/// within `limit_bytes`. Never more than all tokens that are ever read: beyond them nothing
/// changes. The capacity of just the condensed scales must fit.
KeepCapacity largest_capacity_within(const BudgetModel& model, int demanding_layers,
                                     const LayerRule& demanding, int condensed_scales,
                                     const KvShape& shape, std::int64_t limit_bytes);

/// Spends what the limit leaves: in rounds over `order`, raises the capacity of one efficient layer
/// at a time by the smallest step that changes the bytes it holds, as long as the logical peak
/// stays within `limit_bytes`; ends when no layer has a step that fits. Efficient layers that keep
/// no capacity stay as they are.
void fill_capacities(Budget& budget, std::span<const std::size_t> order, const KvShape& shape,
                     std::int64_t limit_bytes);

/// The most bytes b with b / denominator ≤ ratio, compared as the ratios are printed.
std::int64_t bytes_within_ratio(double ratio, std::int64_t denominator_bytes);

}  // namespace kvscope
