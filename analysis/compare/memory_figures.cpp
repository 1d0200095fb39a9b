#include "analysis/compare/memory_figures.h"

#include <algorithm>

#include "core/budget/retention_plan.h"

namespace kvscope {
namespace {

/// [layer, scale] → [scale]
std::vector<std::int64_t> sum_over_layers(const NdArray<std::int64_t>& bytes) {
  std::vector<std::int64_t> sums(static_cast<std::size_t>(bytes.shape.at(1)));
  for (std::int64_t layer = 0; layer < bytes.shape[0]; ++layer) {
    for (std::int64_t scale = 0; scale < bytes.shape[1]; ++scale) {
      sums[static_cast<std::size_t>(scale)] += bytes(layer, scale);
    }
  }
  return sums;
}

void add_shared(const NdArray<std::int64_t>& shared, std::vector<std::int64_t>& bytes) {
  for (std::size_t scale = 0; scale < shared.data.size() && scale < bytes.size(); ++scale) {
    bytes[scale] += shared.data[scale];
  }
}

std::int64_t largest(const std::vector<std::int64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

double change(std::int64_t bytes, std::int64_t denominator) {
  return static_cast<double>(bytes) / static_cast<double>(denominator) - 1;
}

}  // namespace

KvShape kv_shape_of(const ModelConfig& model, const LedgerRecord& ledger) {
  KvShape shape;
  shape.heads = model.heads;
  shape.head_dim = model.head_dim();
  shape.rows = ledger.rows;
  shape.key_element_bytes = ledger.key_element_bytes;
  shape.value_element_bytes = ledger.value_element_bytes;
  return shape;
}

KvShape kv_shape_of(const LoadedCapture& file) {
  return kv_shape_of(file.record.model, file.ledger);
}

MemoryFigures memory_figures(const RunRecord& record, const LedgerRecord& ledger,
                             const MemoryRecord& process, const KvShape& shape) {
  MemoryFigures figures;
  figures.shape = kv_shape_of(record.model, ledger);
  figures.logical_bytes = sum_over_layers(ledger.logical_bytes);
  figures.resident_bytes = sum_over_layers(ledger.resident_bytes);
  figures.transient_bytes = sum_over_layers(ledger.transient_bytes);
  add_shared(ledger.shared_bytes, figures.resident_bytes);
  add_shared(ledger.shared_bytes, figures.transient_bytes);
  figures.logical_peak_bytes = largest(figures.logical_bytes);
  figures.resident_peak_bytes = largest(figures.resident_bytes);
  figures.transient_peak_bytes = largest(figures.transient_bytes);

  const RetentionPlan plan(record.budget);
  const auto against = [&](std::int64_t bytes, Denominator of, const KvShape& in) {
    return change(bytes, denominator_bytes(of, plan.schedule(), plan.layers(), in));
  };
  figures.planned_peak_bytes = logical_peak_bytes(plan, shape);
  figures.change_of_read = against(figures.planned_peak_bytes, Denominator::read, shape);
  figures.change_of_final = against(figures.planned_peak_bytes, Denominator::final, shape);
  // Buffers are measured: their denominator has this file's own rows and element sizes.
  figures.resident_change_of_read =
      against(figures.resident_peak_bytes, Denominator::read, figures.shape);
  figures.resident_change_of_final =
      against(figures.resident_peak_bytes, Denominator::final, figures.shape);
  figures.process_peak_rss_bytes = process.process_peak_rss_bytes;
  figures.allocator_peak_bytes = process.allocator_peak_bytes;
  return figures;
}

MemoryFigures memory_figures(const LoadedCapture& file, const KvShape& shape) {
  return memory_figures(file.record, file.ledger, file.memory, shape);
}

bool ledger_follows_plan(const LoadedCapture& file) {
  const RetentionPlan plan(file.record.budget);
  return held_bytes_by_scale(plan, kv_shape_of(file)) == sum_over_layers(file.ledger.logical_bytes);
}

}  // namespace kvscope
