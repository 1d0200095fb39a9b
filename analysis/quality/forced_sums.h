#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "core/geometry/scale_schedule.h"
#include "core/record/forced_agreement.h"

namespace kvscope {

/// Sums of teacher-forced figures per sample and scale, gathered batch by batch.
class ForcedSums {
 public:
  explicit ForcedSums(ScaleSchedule schedule);

  /// The next batch at `scale`. The logits of the vanilla cache and of the budget are [B,
  /// tokens(scale), vocab] float32 on the same device. The tokens that both were made to follow are
  /// [B, tokens(scale)] int64. Scales come in ascending order, and every batch has all of them.
  /// Throws Error for logits that are not finite.
  void add(int scale, const at::Tensor& vanilla, const at::Tensor& budget,
           const at::Tensor& token_ids);

  /// Means over all samples. The intervals are a percentile bootstrap over samples, and NaN for a
  /// single sample. Fills in samples, bootstrap, overall and scales.
  void fill(ForcedAgreement& agreement, const BootstrapOptions& options) const;

 private:
  // Of the tokens of one scale of one sample.
  struct Sums {
    double kl = 0;
    double nll = 0;
    double vanilla_nll = 0;
    double agreeing = 0;
  };

  ScaleSchedule schedule_;
  std::vector<std::vector<Sums>> sums_;  // [scale][sample]
};

}  // namespace kvscope
