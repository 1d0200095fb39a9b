#include "collectors/score/score_collector.h"

#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/nonzero.h>

#include "collectors/quantised_images.h"
#include "core/base/error.h"
#include "core/capture/capture_writer.h"
#include "core/record/scores.h"

namespace kvscope {

void ScoreCollector::take_up(const CommittedBatch& batch) {
  if (!batch.images.empty()) judged_.add(batch.labels, batch.images);
}

void ScoreCollector::on_batch_begin(const BatchInfo& info) {
  labels_.assign(info.labels.begin(), info.labels.end());
}

void ScoreCollector::on_batch_end(const BatchInfo& /*info*/, const BatchOutput& output) {
  image_ = output.image;
  nonfinite_ = output.nonfinite;
}

void ScoreCollector::flush(BatchRecord& record) {
  const at::Tensor finite = at::nonzero(std::exchange(nonfinite_, {}) == 0).view(-1);
  const at::Tensor images = std::exchange(image_, {}).index_select(0, finite);
  record.predicted_classes.assign(labels_.size(), not_judged);
  if (finite.numel() == 0) return;
  std::vector<std::int32_t> labels;
  const auto* sample = finite.const_data_ptr<std::int64_t>();
  for (std::int64_t k = 0; k < finite.numel(); ++k) {
    labels.push_back(labels_[static_cast<std::size_t>(sample[k])]);
  }
  const std::vector<std::int32_t> predicted = judged_.add(labels, quantised_images(images));
  for (std::size_t k = 0; k < predicted.size(); ++k) {
    record.predicted_classes[static_cast<std::size_t>(sample[k])] = predicted[k];
  }
}

void ScoreCollector::conclude(CaptureWriter& file) {
  file.write_scores(judged_.class_accuracy(), judged_.demo_frechet_distance());
}

CollectorEntry score_collector() {
  return {
      .name = "scores",
      .help = "How good the images are: class accuracy and demo Fréchet distance",
      .takes_part = [](const RunRecord& record) { return record.settings.scorer.has_value(); },
      .lay_out = [](const RunRecord&, FileLayout& layout) { layout.parts.insert(Part::scores); },
      .make = [](const CollectorSetup& setup) -> std::unique_ptr<Collector> {
        if (!setup.scorer) throw Error("[scores] scorer: expected that of the run, got none");
        return std::make_unique<ScoreCollector>(setup.scorer);
      }};
}

}  // namespace kvscope
