#pragma once

#include <cstdint>
#include <string>

#include "analysis/metrics/attention_mass.h"
#include "collectors/collector_list.h"

namespace kvscope {

/// Attention mass by source scale; what cannot be told apart by source is counted as a loss. The
/// sums stay on the device until the batch is done. flush throws Error when a target read other
/// head groups or tokens than planned.
class AttentionMassCollector final : public Collector {
 public:
  AttentionMassCollector(const RetentionPlan& plan, int heads) : sums_(plan, heads) {}

  ObserverNeeds needs() const override { return {.attention = true, .attention_mass = true}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_attention(const AttentionEvent& event) override;
  void flush(BatchRecord& record) override;

 private:
  AttentionMassSums sums_;
  std::int64_t batch_ = 0;
  std::string mismatch_;  // the first one; empty while all is as planned
};

CollectorEntry attention_mass_collector();

}  // namespace kvscope
