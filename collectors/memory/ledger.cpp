#include "collectors/memory/ledger.h"

#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

LedgerCollector::LedgerCollector(const RetentionPlan& plan, int heads, int head_dim)
    : plan_(plan), shape_{heads, head_dim, 0, 0, 0} {}

void LedgerCollector::begin(const BatchInfo& /*info*/) {
  const int layers = plan_.layers();
  const int scales = plan_.schedule().scales();
  ledger_.logical_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.resident_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.transient_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.shared_bytes = NdArray<std::int64_t>({scales});
}

void LedgerCollector::on_attention(const AttentionEvent& event) {
  const std::vector<HeadGroup>& groups = plan_.groups(event.layer);
  for (std::size_t group = 0; group < event.read.size(); ++group) {
    const KvGroup& of_group = event.read[group];
    const std::int64_t planned = groups.at(group).read_tokens(event.scale);
    const std::int64_t read = of_group.key.size(2) - plan_.schedule().tokens(event.scale);
    if (read != planned)
      throw Error(fmt::format(
          "[ledger] layer {}, scale {}: expected {} cached tokens read as planned, got {}",
          event.layer, event.scale, planned, read));
    shape_.rows = of_group.key.size(0);
    shape_.key_element_bytes = static_cast<std::int64_t>(of_group.key.element_size());
    shape_.value_element_bytes = static_cast<std::int64_t>(of_group.value.element_size());
  }
}

void LedgerCollector::on_scale_end(int scale, const KvCache& cache) {
  if (!active()) return;
  for (int layer = 0; layer < plan_.layers(); ++layer) {
    const std::int64_t logical = held_bytes(plan_, shape_, layer, scale);
    const std::int64_t resident = cache.resident_bytes(layer);
    ledger_.logical_bytes(layer, scale) = logical;
    ledger_.resident_bytes(layer, scale) = resident;
    ledger_.transient_bytes(layer, scale) = resident - logical;
  }
  ledger_.shared_bytes(scale) = cache.shared_bytes();
}

void LedgerCollector::fill(BatchRecord& record) {
  ledger_.rows = shape_.rows;
  ledger_.key_element_bytes = shape_.key_element_bytes;
  ledger_.value_element_bytes = shape_.value_element_bytes;
  record.ledger = std::exchange(ledger_, {});
}

}  // namespace kvscope
