#include "core/budget/kv_bytes.h"

#include <algorithm>

#include "core/budget/cache_moves.h"
#include "core/geometry/guidance_rows.h"

namespace kvscope {

std::int64_t KvShape::head_bytes(std::int64_t head_tokens) const {
  return head_tokens * head_dim * rows * (key_element_bytes + value_element_bytes);
}

std::int64_t held_bytes(const RetentionPlan& plan, const KvShape& shape, int layer, int scale) {
  return shape.head_bytes(plan.held_head_tokens(layer, scale));
}

std::vector<std::int64_t> held_bytes_by_scale(const RetentionPlan& plan, const KvShape& shape) {
  std::vector<std::int64_t> bytes;
  for (int scale = 0; scale < plan.schedule().scales(); ++scale) {
    std::int64_t sum = 0;
    for (int layer = 0; layer < plan.layers(); ++layer) {
      sum += held_bytes(plan, shape, layer, scale);
    }
    bytes.push_back(sum);
  }
  return bytes;
}

std::int64_t logical_peak_bytes(const RetentionPlan& plan, const KvShape& shape) {
  const std::vector<std::int64_t> bytes = held_bytes_by_scale(plan, shape);
  return *std::max_element(bytes.begin(), bytes.end());
}

std::int64_t resident_bytes(const Budget& budget, const KvShape& shape) {
  return shape.head_bytes(cache_buffers(budget).head_tokens());
}

std::optional<std::int64_t> resident_limit(const Budget& budget) {
  if (!budget.rule || !budget.expected || !budget.expected->resident_peak_bytes) {
    return std::nullopt;
  }
  return budget.rule->kv_memory_bytes;
}

std::int64_t peak_bytes(const Budget& budget, const KvShape& shape, KvBytes bytes) {
  return bytes == KvBytes::resident ? resident_bytes(budget, shape)
                                    : logical_peak_bytes(RetentionPlan(budget), shape);
}

std::int64_t denominator_bytes(Denominator denominator, const ScaleSchedule& schedule, int layers,
                               const KvShape& shape) {
  // Vanilla's peak comes after the last scale but one: the last scale reads all before it.
  const std::int64_t tokens = denominator == Denominator::read
                                  ? schedule.begin(schedule.last_scale())
                                  : schedule.total_tokens();
  return layers * shape.bytes(tokens);
}

KvShape kv_shape(const BudgetModel& model, int batch, std::int64_t key_element_bytes,
                 std::int64_t value_element_bytes) {
  return {.heads = model.heads,
          .head_dim = model.head_dim,
          .rows = GuidanceRows::of_samples(batch).count(),
          .key_element_bytes = key_element_bytes,
          .value_element_bytes = value_element_bytes};
}

BudgetExpectation expectation_of(const Budget& budget, int batch, std::int64_t key_element_bytes,
                                 std::int64_t value_element_bytes) {
  const RetentionPlan plan(budget);
  const KvShape shape = kv_shape(budget.model, batch, key_element_bytes, value_element_bytes);
  const std::int64_t peak = logical_peak_bytes(plan, shape);
  const auto share = [&](Denominator denominator) {
    return static_cast<double>(peak) / static_cast<double>(denominator_bytes(
                                           denominator, plan.schedule(), plan.layers(), shape));
  };
  return {.logical_peak_bytes = peak,
          .resident_peak_bytes = resident_bytes(budget, shape),
          .batch = batch,
          .key_element_bytes = key_element_bytes,
          .value_element_bytes = value_element_bytes,
          .ratio_of_read = share(Denominator::read),
          .ratio_of_final = share(Denominator::final)};
}

KvShape kv_shape(const Budget& budget) {
  const BudgetExpectation own = budget.expected.value_or(BudgetExpectation{});
  return kv_shape(budget.model, own.batch, own.key_element_bytes, own.value_element_bytes);
}

BudgetExpectation expectation_of(const Budget& budget) {
  const BudgetExpectation own = budget.expected.value_or(BudgetExpectation{});
  return expectation_of(budget, own.batch, own.key_element_bytes, own.value_element_bytes);
}

}  // namespace kvscope
