#include "analysis/compare/loaded_capture.h"

#include <algorithm>

#include "analysis/compare/file_forced.h"
#include "analysis/compare/file_scores.h"
#include "analysis/compare/time_figures.h"

namespace kvscope {

LoadedCapture::LoadedCapture(const CaptureReader& file, const JobControl& control)
    : path(file.path()),
      record(file.record()),
      complete(file.complete()),
      batch_samples(file.batch_samples()),
      samples(file.samples()),
      labels(file.labels()),
      seeds(file.seeds()),
      token_ids(file.token_ids()),
      nonfinite_images(file.nonfinite_images()),
      losses(file.all_losses()),
      ledger(file.ledger()),
      memory(file.memory()),
      time(time_figures(file)),
      scores(scores_of(file)),
      forced(forced_of(file)),
      images(path, record, samples) {
  control.check();
  if (record.kind == FileKind::analysis) return;
  control.begin("looking for images", committed_samples(), "images");
  missing_images = images.missing([&] { control.advance(1); });
}

bool LoadedCapture::has_finite_image(std::int64_t position) const {
  return !std::binary_search(nonfinite_images.begin(), nonfinite_images.end(), position);
}

}  // namespace kvscope
