#include "collectors/score/score_collector.h"

#include <utility>

#include "collectors/quantised_images.h"

namespace kvscope {

void ScoreCollector::begin(const BatchInfo& info) {
  labels_.assign(info.labels.begin(), info.labels.end());
}

void ScoreCollector::on_batch_end(const BatchInfo& /*info*/, const BatchOutput& output) {
  if (active()) image_ = output.image;
}

void ScoreCollector::fill(BatchRecord& record) {
  record.predicted_classes = judged_.add(labels_, quantised_images(std::exchange(image_, {})));
}

}  // namespace kvscope
