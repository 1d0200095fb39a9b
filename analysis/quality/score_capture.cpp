#include "analysis/quality/score_capture.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "analysis/quality/judged_samples.h"
#include "core/base/error.h"
#include "core/base/interrupt.h"
#include "core/base/progress.h"
#include "core/capture/capture_images.h"

namespace kvscope {
namespace {

Image read_image(const CaptureImages& images, std::int64_t position, int side) {
  Image image = images.read(position);
  if (image.width != side || image.height != side) {
    throw BadInput("score", images.path(position), fmt::format("{0} × {0} pixels", side),
                   fmt::format("{} × {}", image.width, image.height));
  }
  return image;
}

/// The images of samples [first, end) that can be judged, with their labels.
struct Batch {
  std::vector<Image> images;
  std::vector<std::int32_t> labels;
};

Batch read_batch(const CaptureReader& file, const CaptureImages& images,
                 const std::vector<std::int32_t>& labels, std::int64_t first, std::int64_t end,
                 CaptureScores& result) {
  const int side = file.record().model.image_size;
  Batch batch;
  for (std::int64_t sample = first; sample < end; ++sample) {
    if (!file.has_finite_image(sample)) continue;
    try {
      batch.images.push_back(read_image(images, sample, side));
      batch.labels.push_back(labels[static_cast<std::size_t>(sample)]);
    } catch (const BadInput& error) {
      if (result.scores.unreadable_images++ == 0) result.unreadable_why = error.what();
    }
  }
  return batch;
}

std::string why_none(const Scores& scores, const std::string& unreadable_why) {
  if (scores.unreadable_images > 0) return "none: " + unreadable_why;
  if (scores.nonfinite_images == 0) return "no committed sample";
  return fmt::format("none: NaN or infinity behind all {}", scores.nonfinite_images);
}

}  // namespace

CaptureScores score_capture(const CaptureReader& file, const Scorer& scorer, int batch) {
  const std::vector<std::int32_t> labels = file.labels();
  scorer.check_knows(file.record().model, file.path());
  scorer.check_labels(labels, file.path());
  const CaptureImages images(file);
  CaptureScores result;
  JudgedSamples judged(scorer);
  const std::int64_t samples = file.committed_samples();
  Progress progress("score", samples, "images");
  for (std::int64_t first = 0; first < samples; first += batch) {
    throw_if_interrupted();
    const std::int64_t end = std::min(first + batch, samples);
    const Batch read = read_batch(file, images, labels, first, end, result);
    if (!read.images.empty()) judged.add(read.labels, read.images);
    progress.advance(end - first);
  }
  Scores& scores = result.scores;
  scores.samples = static_cast<std::int64_t>(judged.labels().size());
  scores.nonfinite_images = static_cast<std::int64_t>(file.nonfinite_images().size());
  if (scores.samples == 0) {
    throw BadInput("score", file.path(), "at least one image that can be judged",
                   why_none(scores, result.unreadable_why));
  }
  scores.capture_id = file.record().capture_id;
  scores.model = file.record().model.name;
  scores.scorer = scorer.record();
  scores.class_accuracy = judged.class_accuracy();
  scores.demo_frechet_distance = judged.demo_frechet_distance();
  scores.classes = class_scores(judged.labels(), judged.predicted());
  return result;
}

}  // namespace kvscope
