#pragma once

#include "analysis/quality/scorer.h"
#include "core/capture/capture_reader.h"

namespace kvscope {

/// Scores and what is not in them.
struct CaptureScores {
  Scores scores;
  std::string unreadable_why;  ///< of the first unreadable image; empty when there is none
};

/// Judges the PNGs beside a capture, `batch` at a time. Missing and broken ones are counted, as
/// are those that the file knows not to be finite. Throws BadInput for a model or labels that the
/// scorer does not know and when no image can be judged, Interrupted between batches.
CaptureScores score_capture(const CaptureReader& file, const Scorer& scorer, int batch);

}  // namespace kvscope
