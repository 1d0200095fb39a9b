#include "collectors/kv/mass_collector.h"

#include "core/base/error.h"
#include "core/base/losses.h"

namespace kvscope {

void AttentionMassCollector::on_batch_begin(const BatchInfo& info) {
  batch_ = info.batch();
  sums_.begin(info.device);
}

// A pass is no place to throw.
void AttentionMassCollector::on_attention(const AttentionEvent& event) {
  if (!mismatch_.empty()) return;
  try {
    sums_.add(event.layer, event.scale, event.read, event.mass);
  } catch (const Error& error) {
    mismatch_ = error.what();
  }
}

void AttentionMassCollector::flush(BatchRecord& record) {
  if (!mismatch_.empty()) throw Error(mismatch_);
  if (!record.statistics) record.statistics.emplace();
  record.statistics->samples = batch_;
  record.statistics->mass_sum = sums_.sums();
  record.losses[LossCounter::unattributed_attention] += batch_ * sums_.unattributed_rows();
}

CollectorEntry attention_mass_collector() {
  return {.name = "attention_mass",
          .help = "How much attention each scale pays to each one before it",
          .takes_part = [](const RunRecord& record) { return record.kind == FileKind::capture; },
          .lay_out = [](const RunRecord&, FileLayout& layout) { layout.parts.insert(Part::mass); },
          .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
            return std::make_unique<AttentionMassCollector>(setup.plan, setup.record.model.heads);
          }};
}

}  // namespace kvscope
