#include "analysis/quality/judged_samples.h"

#include <utility>

#include <ATen/ops/cat.h>

#include "analysis/quality/class_accuracy.h"

namespace kvscope {

std::vector<std::int32_t> JudgedSamples::add(std::span<const std::int32_t> labels,
                                             std::span<const Image> images) {
  Judgement judgement = scorer_.judge(images);
  features_.push_back(std::move(judgement.features));
  labels_.insert(labels_.end(), labels.begin(), labels.end());
  predicted_.insert(predicted_.end(), judgement.predicted.begin(), judgement.predicted.end());
  return std::move(judgement.predicted);
}

Estimate JudgedSamples::class_accuracy() const {
  return kvscope::class_accuracy(labels_, predicted_, scorer_.record().bootstrap.confidence);
}

Estimate JudgedSamples::demo_frechet_distance() const {
  if (features_.empty()) return {};
  return scorer_.distance().estimate(at::cat(features_), labels_, scorer_.record().bootstrap);
}

}  // namespace kvscope
