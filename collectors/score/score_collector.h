#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "analysis/quality/judged_samples.h"
#include "collectors/collector_list.h"

namespace kvscope {

/// Scores of the generated images, quantised to 8 bits as their PNGs are: `kvscope score` of the
/// file gives the same. Images with values behind them that are not finite are not judged. Works
/// between batches, outside every timed pass.
class ScoreCollector final : public Collector {
 public:
  explicit ScoreCollector(std::shared_ptr<const Scorer> scorer)
      : scorer_(std::move(scorer)), judged_(*scorer_) {}

  void take_up(const CommittedBatch& batch) override;
  void on_batch_begin(const BatchInfo& info) override;
  void on_batch_end(const BatchInfo& info, const BatchOutput& output) override;
  void flush(BatchRecord& record) override;
  void conclude(CaptureWriter& file) override;

 private:
  std::shared_ptr<const Scorer> scorer_;
  JudgedSamples judged_;
  std::vector<std::int32_t> labels_;
  at::Tensor image_;
  at::Tensor nonfinite_;
};

CollectorEntry score_collector();

}  // namespace kvscope
