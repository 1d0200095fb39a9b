#include "analysis/quality/class_accuracy.h"

#include "core/base/binomial.h"

namespace kvscope {

Estimate class_accuracy(const std::vector<std::int32_t>& labels,
                        const std::vector<std::int32_t>& predicted, double confidence) {
  if (labels.empty()) return {};
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) hits += labels[i] == predicted.at(i);
  const auto samples = static_cast<std::int64_t>(labels.size());
  const Interval interval = binomial_interval(hits, samples, confidence);
  return {accuracy_of(class_scores(labels, predicted)), interval.low, interval.high};
}

}  // namespace kvscope
