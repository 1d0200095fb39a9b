#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "analysis/quality/scorer.h"

namespace kvscope {

/// The samples of one capture as a scorer sees them, gathered batch by batch.
class JudgedSamples {
 public:
  /// `scorer` must outlive it.
  explicit JudgedSamples(const Scorer& scorer) : scorer_(scorer) {}

  /// Judges the images of a batch, of which there is at least one; returns their predicted classes.
  std::vector<std::int32_t> add(std::span<const std::int32_t> labels,
                                std::span<const Image> images);

  Estimate class_accuracy() const;
  Estimate demo_frechet_distance() const;

  const std::vector<std::int32_t>& labels() const { return labels_; }
  const std::vector<std::int32_t>& predicted() const { return predicted_; }

 private:
  const Scorer& scorer_;
  std::vector<at::Tensor> features_;
  std::vector<std::int32_t> labels_;
  std::vector<std::int32_t> predicted_;
};

}  // namespace kvscope
