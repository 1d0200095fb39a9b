#include "collectors/memory/ledger.h"

#include <utility>

#include <fmt/format.h>

#include "core/base/error.h"

namespace kvscope {

LedgerCollector::LedgerCollector(const RetentionPlan& plan) : plan_(plan) {}

void LedgerCollector::on_batch_begin(const BatchInfo& info) {
  const int layers = plan_.layers();
  const int scales = plan_.schedule().scales();
  shape_ = info.kv;
  ledger_.logical_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.resident_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.transient_bytes = NdArray<std::int64_t>({layers, scales});
  ledger_.shared_bytes = NdArray<std::int64_t>({scales});
}

void LedgerCollector::on_attention(const AttentionEvent& event) {
  if (!mismatch_.empty()) return;
  const std::vector<HeadGroup>& groups = plan_.groups(event.layer);
  if (event.read.size() != groups.size()) {
    mismatch_ = fmt::format("layer {}, scale {}: expected {} head groups read as planned, got {}",
                            event.layer, event.scale, groups.size(), event.read.size());
    return;
  }
  const std::int64_t own = plan_.schedule().tokens(event.scale);
  for (std::size_t index = 0; index < groups.size(); ++index) {
    const KvGroup& group = event.read[index];
    const std::int64_t planned = groups[index].read_tokens(event.scale);
    const std::int64_t read = group.key.size(2) - own;
    const std::int64_t planned_bytes =
        shape_.head_bytes((planned + own) * groups[index].heads().size());
    const auto bytes = static_cast<std::int64_t>(group.key.nbytes() + group.value.nbytes());
    if (read != planned) {
      mismatch_ =
          fmt::format("layer {}, scale {}: expected {} cached tokens read as planned, got {}",
                      event.layer, event.scale, planned, read);
    } else if (bytes != planned_bytes) {
      mismatch_ = fmt::format("layer {}, scale {}: expected {} B of K and V read, got {}",
                              event.layer, event.scale, planned_bytes, bytes);
    }
  }
}

void LedgerCollector::on_scale_end(int scale, const CacheBytes& held) {
  for (int layer = 0; layer < plan_.layers(); ++layer) {
    const std::int64_t logical = held_bytes(plan_, shape_, layer, scale);
    const std::int64_t resident = held.layers.at(static_cast<std::size_t>(layer)).own;
    ledger_.logical_bytes(layer, scale) = logical;
    ledger_.resident_bytes(layer, scale) = resident;
    ledger_.transient_bytes(layer, scale) = resident - logical;
  }
  ledger_.shared_bytes(scale) = held.shared;
}

void LedgerCollector::flush(BatchRecord& record) {
  if (!mismatch_.empty()) throw Error("[ledger] " + mismatch_);
  ledger_.rows = shape_.rows;
  ledger_.key_element_bytes = shape_.key_element_bytes;
  ledger_.value_element_bytes = shape_.value_element_bytes;
  record.ledger = std::exchange(ledger_, {});
}

CollectorEntry ledger_collector() {
  return {.name = "ledger",
          .help = "Bytes of the cache by layer and scale",
          .takes_part = [](const RunRecord&) { return true; },
          .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
            return std::make_unique<LedgerCollector>(setup.plan);
          }};
}

}  // namespace kvscope
