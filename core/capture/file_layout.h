#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace kvscope {

/// What a file may hold, in the order of the attribute `contents`; every file holds `always`.
enum class Part {
  always,
  preview,
  raw,
  similarity,
  mass,
  timing,
  scores,
  image_check,
  queries,
  clocks
};

/// What a file contains, fixed before the first batch (HDF5's SWMR mode adds no objects later).
struct FileLayout {
  std::set<Part> parts = {};  ///< but `preview` and `clocks`, see below; `queries` only with `raw`
  std::int64_t batches = 0;   ///< as many as the file has room for
  int preview_size = 0;       ///< side in pixels; 0: no previews
  /// Clocks whose offsets to the host's the file has, e.g. "device_events"; empty: the part is
  /// absent.
  std::vector<std::string> clocks = {};
  /// Index of every sample in the run, for a file to be written; empty: counted from
  /// settings.first_sample.
  std::vector<std::int64_t> samples = {};

  bool has(Part part) const {
    if (part == Part::preview) return preview_size > 0;
    if (part == Part::clocks) return !clocks.empty();
    return part == Part::always || parts.contains(part);
  }
  bool has_statistics() const { return has(Part::similarity) || has(Part::mass); }
};

}  // namespace kvscope
