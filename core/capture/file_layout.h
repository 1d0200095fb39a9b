#pragma once

#include <cstdint>

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

  bool has_statistics() const { return similarity || mass; }
};

}  // namespace kvscope
