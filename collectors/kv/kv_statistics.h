#pragma once

#include <vector>

#include "analysis/metrics/similarity.h"
#include "collectors/collector_list.h"
#include "core/geometry/model_config.h"

namespace kvscope {

/// Similarity, norms and layer statistics of the conditional rows, accumulated during the run.
/// Holds K and V of one batch on the host as float32: a layer is compared as soon as its last scale
/// is there.
class KvStatisticsCollector final : public Collector {
 public:
  explicit KvStatisticsCollector(const ModelConfig& model);

  ObserverNeeds needs() const override { return {.attention = true, .host_data = true}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_attention(const AttentionEvent& event) override;
  void flush(BatchRecord& record) override;

 private:
  void store(const at::Tensor& tensor, int scale, at::Tensor& history);
  void compare(KvTensor tensor, int layer, const at::Tensor& history);

  ModelConfig model_;
  ScaleSchedule schedule_;
  InterScaleSimilarity similarity_;
  std::vector<int> heads_;  // all of them
  std::int64_t batch_ = 0;
  std::array<std::vector<at::Tensor>, 2> history_;  // [tensor][layer]: sample, head, token, channel
  BatchStatistics statistics_;
  LossCounts losses_;
};

CollectorEntry kv_statistics_collector();

}  // namespace kvscope
