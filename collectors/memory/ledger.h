#pragma once

#include <string>

#include "collectors/collector_list.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/retention_plan.h"

namespace kvscope {

/// Bytes of the cache by layer and scale: logical from the retention plan, which what every
/// attention reads is held against; resident as the cache says; transient their difference. flush
/// throws Error when a target read other head groups or another number of tokens than planned, or K
/// and V of another shape or type than the generator says.
class LedgerCollector final : public Collector {
 public:
  explicit LedgerCollector(const RetentionPlan& plan);

  ObserverNeeds needs() const override { return {.attention = true}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_attention(const AttentionEvent& event) override;
  void on_scale_end(int scale, const CacheBytes& held) override;
  void flush(BatchRecord& record) override;

 private:
  const RetentionPlan& plan_;
  KvShape shape_;
  std::string mismatch_;  // the first one; empty while all is as planned
  LedgerRecord ledger_;
};

CollectorEntry ledger_collector();

}  // namespace kvscope
