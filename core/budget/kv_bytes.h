#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/budget/denominator.h"
#include "core/budget/retention_plan.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {

/// Everything that turns tokens into bytes.
struct KvShape {
  int heads = 0;
  int head_dim = 0;
  std::int64_t rows = 0;  ///< GuidanceRows of the batch
  std::int64_t key_element_bytes = 0;
  std::int64_t value_element_bytes = 0;

  /// Bytes of cached tokens that are already summed over heads.
  std::int64_t head_bytes(std::int64_t head_tokens) const;
  /// Bytes of `tokens` cached tokens over all heads of one layer.
  std::int64_t bytes(std::int64_t tokens) const { return head_bytes(tokens * heads); }

  /// Samples that the rows belong to.
  std::int64_t samples() const { return GuidanceRows::of_rows(rows).samples(); }

  bool operator==(const KvShape&) const = default;
};

/// Logical bytes one layer holds once `scale` is done.
std::int64_t held_bytes(const RetentionPlan& plan, const KvShape& shape, int layer, int scale);

/// Logical bytes all layers hold once each scale is done, [scale].
std::vector<std::int64_t> held_bytes_by_scale(const RetentionPlan& plan, const KvShape& shape);

/// The largest of held_bytes_by_scale.
std::int64_t logical_peak_bytes(const RetentionPlan& plan, const KvShape& shape);

/// Bytes of K and V that are counted under a limit.
enum class KvBytes {
  logical,   ///< cached tokens that some later scale reads, at their peak
  resident,  ///< buffers of the runtime that executes the budget, the current scale included
};

/// What the K and V buffers take when `budget` runs on the eager runtime: the resident bytes that
/// the ledger of a run measures, after every scale.
std::int64_t resident_bytes(const Budget& budget, const KvShape& shape);

/// What the buffers of a run may take, as the budget was asked for. Nothing when nobody asked, and
/// for an older budget, which states no resident bytes: its limit is one of logical bytes.
std::optional<std::int64_t> resident_limit(const Budget& budget);

/// Peak of `budget` in these bytes.
std::int64_t peak_bytes(const Budget& budget, const KvShape& shape, KvBytes bytes);

/// Bytes of the denominator for a model of `layers` layers.
std::int64_t denominator_bytes(Denominator denominator, const ScaleSchedule& schedule, int layers,
                               const KvShape& shape);

/// The shape of `batch` images, two rows each, in a model of these heads.
KvShape kv_shape(const BudgetModel& model, int batch, std::int64_t key_element_bytes,
                 std::int64_t value_element_bytes);

/// What the layers of `budget` come to for `batch` images and elements of these sizes.
BudgetExpectation expectation_of(const Budget& budget, int batch, std::int64_t key_element_bytes,
                                 std::int64_t value_element_bytes);

/// In the batch and element sizes that the budget states; one image and two bytes, the usual way to
/// state a cache, where it states none.
KvShape kv_shape(const Budget& budget);
BudgetExpectation expectation_of(const Budget& budget);

}  // namespace kvscope
