#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/compare/comparison.h"
#include "analysis/compare/spread.h"
#include "core/record/scores.h"

namespace kvscope {

/// Whether a figure plainly differs from the baseline's, which is: by more than both spread, or by
/// more than is written of exact ones, and what that is for the user.
enum class Change { none_seen, better, worse };

/// KV cache at its peak, logical, in the baseline's shape: both denominators.
struct MemoryVerdict {
  double of_read = 0;  ///< planned peak / read − 1
  Change read_change = Change::none_seen;
  double of_final = 0;  ///< planned peak / final − 1
  Change final_change = Change::none_seen;
  double vanilla_of_final = 0;  ///< vanilla's own figure, which stands beside of_final
  std::int64_t read_bytes = 0;
  std::int64_t planned_peak_bytes = 0;
  std::int64_t images = 0;  ///< that the bytes are of
};

/// Times of a batch / images in it.
struct TimeVerdict {
  Spread before_ns;
  Spread after_ns;
  SpreadRatio ratio;
  bool controls_moved = false;  ///< then no change is seen, whatever the ratio
  Change change = Change::none_seen;
};

struct ImageVerdict {
  std::optional<double> psnr_mean_db;  ///< over the images that differ; nothing: none does
  std::int64_t differing = 0;
  std::int64_t identical = 0;
};

struct ScoreVerdict {
  Estimate before;
  Estimate after;
  std::int64_t samples = 0;  ///< behind `after`
  Change change = Change::none_seen;
};

/// The headline of one file against the baseline: what it saves, and what that does to the
/// pictures. Figures that cannot be compared are left out; the comparison says why.
struct Verdict {
  std::string name;
  std::string policy;
  std::string baseline;  ///< its name
  std::string device;
  std::string dtype;
  int batch = 0;
  MemoryVerdict memory;
  std::optional<TimeVerdict> self_attention;
  std::optional<TimeVerdict> image;  ///< end to end
  std::optional<TokenAgreement> tokens;
  std::optional<ImageVerdict> images;
  std::optional<ScoreVerdict> class_accuracy;
  std::optional<ScoreVerdict> demo_frechet_distance;
};

/// One for each file but the baseline, in their order.
std::vector<Verdict> verdicts(const Comparison& comparison);

}  // namespace kvscope
