#pragma once

#include <cstdint>
#include <vector>

#include "collectors/collector_list.h"
#include "core/geometry/model_config.h"
#include "core/record/run_record.h"

namespace kvscope {

/// Keeps K and V of a batch, and Q where asked, on the host in the stored type, or the subset of
/// them that `settings.keep` names. One batch at a time: flush gives the buffers away.
class RawKvCollector final : public Collector {
 public:
  RawKvCollector(const ModelConfig& model, const RunSettings& settings);

  ObserverNeeds needs() const override { return {.attention = true, .host_data = true}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_attention(const AttentionEvent& event) override;
  void flush(BatchRecord& record) override;

 private:
  void store(const at::Tensor& tensor, int scale, std::vector<std::byte>& out);

  ScaleSchedule schedule_;
  int head_dim_;
  KvDtype dtype_;
  bool queries_;
  std::vector<int> layers_;                 // kept, ascending
  std::vector<std::int64_t> heads_;         // kept
  std::vector<std::int64_t> token_begin_;   // [scale] in the file, −1 when not kept
  std::int64_t tokens_ = 0;                 // kept
  std::vector<std::int64_t> kept_samples_;  // positions in the file; empty means all
  std::int64_t run_first_sample_;           // global index of the file's first

  std::int64_t batch_ = 0;
  std::vector<std::int64_t> samples_;  // kept, positions in the batch
  std::vector<RawKv> raw_;
  LossCounts losses_;
};

CollectorEntry raw_kv_collector();

}  // namespace kvscope
