#include "collectors/kv/mass_collector.h"

namespace kvscope {

void AttentionMassCollector::on_batch_begin(const BatchInfo& info) {
  batch_ = info.batch();
  sums_.begin(info.device);
}

void AttentionMassCollector::on_attention(const AttentionEvent& event) {
  sums_.add(event.layer, event.scale, event.mass);
}

void AttentionMassCollector::fill(BatchRecord& record) {
  if (!record.statistics) record.statistics.emplace();
  record.statistics->samples = batch_;
  record.statistics->mass_sum = sums_.sums();
}

}  // namespace kvscope
