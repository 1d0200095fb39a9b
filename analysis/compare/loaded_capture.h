#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "core/base/job_control.h"
#include "core/base/losses.h"
#include "core/base/nd_array.h"
#include "core/capture/capture_images.h"
#include "core/capture/capture_reader.h"
#include "core/record/batch_record.h"
#include "core/record/run_record.h"

namespace kvscope {

/// What a comparison looks at of a file. Everything is read here, once; afterwards no file is open,
/// and only pictures are still read, which need no HDF5. Plain data: any thread may hold it.
struct LoadedCapture {
  /// Throws BadInput as the reader does, and Interrupted when `control` says so.
  explicit LoadedCapture(const CaptureReader& file, const JobControl& control = {});

  /// Whether the picture of a committed sample may go into figures.
  bool has_finite_image(std::int64_t position) const;

  std::string path;
  RunRecord record;
  bool complete = false;
  std::vector<std::int64_t> batch_samples;  ///< of every committed batch, in order

  // Of every committed sample.
  std::vector<std::int64_t> samples;  ///< index in the run
  std::vector<std::int32_t> labels;
  std::vector<std::uint64_t> seeds;
  NdArray<std::int32_t> token_ids;             ///< [sample, token]
  std::vector<std::int64_t> nonfinite_images;  ///< positions, see CaptureReader

  std::vector<Loss> losses;
  LedgerRecord ledger;
  MemoryRecord memory;
  Comparable<TimeFigures> time;
  Comparable<Scores> scores;                    ///< in the file or beside it, see scores_of
  Comparable<ForcedAgreement> forced;           ///< beside it, see forced_of
  CaptureImages images;                         ///< those beside it
  std::optional<MissingImages> missing_images;  ///< nothing for an analysis, which has none

  std::int64_t committed_samples() const { return static_cast<std::int64_t>(samples.size()); }
};

}  // namespace kvscope
