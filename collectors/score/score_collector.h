#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "analysis/quality/judged_samples.h"
#include "collectors/collector.h"

namespace kvscope {

/// Scores of the generated images, quantised to 8 bits as their PNGs are: `kvscope score` of the
/// file gives the same. Images with values behind them that are not finite are not judged. Works
/// between batches, outside every timed pass.
class ScoreCollector final : public Collector {
 public:
  explicit ScoreCollector(std::shared_ptr<const Scorer> scorer)
      : scorer_(std::move(scorer)), judged_(*scorer_) {}

  std::string_view name() const override { return "scores"; }
  ObserverNeeds needs() const override { return {}; }
  void on_batch_begin(const BatchInfo& info) override;
  void on_batch_end(const BatchInfo& info, const BatchOutput& output) override;
  void fill(BatchRecord& record) override;

  /// A batch of an earlier session on the same file, before any that is filled.
  void add(const std::vector<std::int32_t>& labels, const std::vector<Image>& images) {
    judged_.add(labels, images);
  }

  /// Of all batches added and filled so far.
  const JudgedSamples& judged() const { return judged_; }

 private:
  std::shared_ptr<const Scorer> scorer_;
  JudgedSamples judged_;
  std::vector<std::int32_t> labels_;
  at::Tensor image_;
  at::Tensor nonfinite_;
};

}  // namespace kvscope
