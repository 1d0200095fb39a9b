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

  /// The next batch at `scale`: logits [B, tokens(scale), vocab] float32 of the vanilla cache and
  /// of the budget on the same device, and the tokens that both were made to follow, [B,
  /// tokens(scale)] int64. Scales ascending, every batch with all of them. Throws Error for logits
  /// that are not finite.
  void add(int scale, const at::Tensor& vanilla, const at::Tensor& budget,
           const at::Tensor& token_ids);

  /// Means over all samples, the intervals by a percentile bootstrap over samples; these are NaN
  /// for a single sample. Fills in samples, bootstrap, overall and scales.
  void fill(ForcedAgreement& quality, const BootstrapOptions& options) const;

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
