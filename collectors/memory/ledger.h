#pragma once

#include "collectors/collector.h"
#include "core/budget/kv_bytes.h"
#include "core/budget/retention_plan.h"

namespace kvscope {

/// Bytes of the cache by layer and scale: logical from the retention plan, which every attention is
/// held against; resident as the cache says; transient their difference. on_attention throws Error
/// when a target reads another number of tokens than planned.
class LedgerCollector final : public Collector {
 public:
  LedgerCollector(const RetentionPlan& plan, int heads, int head_dim);

  std::string_view name() const override { return "ledger"; }
  ObserverNeeds needs() const override { return {.attention = true}; }
  void on_attention(const AttentionEvent& event) override;
  void on_scale_end(int scale, const KvCache& cache) override;
  void fill(BatchRecord& record) override;

 private:
  void begin(const BatchInfo& info) override;

  const RetentionPlan& plan_;
  KvShape shape_;  // rows and element sizes are those of the tensors the cache hands out
  LedgerRecord ledger_;
};

}  // namespace kvscope
