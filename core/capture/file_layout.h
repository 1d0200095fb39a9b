#pragma once

#include <cstdint>
#include <vector>

namespace kvscope {

/// What a file contains, fixed before the first batch (HDF5's SWMR mode adds no objects later).
struct FileLayout {
  bool raw = false;          ///< /kv
  bool queries = false;      ///< Q in /kv, only with raw
  bool similarity = false;   ///< /analysis/similarity, norms, layer statistics
  bool mass = false;         ///< /analysis/attention
  bool timing = false;       ///< /timing
  bool scores = false;       ///< /samples/predicted_class, /scores
  bool image_check = false;  ///< /samples/nonfinite_image_values
  std::int64_t batches = 0;  ///< as many as the file has room for
  int preview_size = 0;      ///< side in pixels; 0: no previews
  /// Index of every sample in the run, for a file to be written; empty: counted from
  /// settings.first_sample.
  std::vector<std::int64_t> samples = {};

  bool has_statistics() const { return similarity || mass; }
};

}  // namespace kvscope
