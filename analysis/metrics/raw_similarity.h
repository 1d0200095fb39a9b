#pragma once

#include <cstdint>

#include "core/capture/capture_reader.h"

namespace kvscope {

/// Similarity, norms and layer statistics of raw K and V, for samples [first, first + count) of the
/// file. Each of `threads` threads holds one layer of one sample: while one reads, the others
/// compute. The result does not depend on the number of threads.
BatchStatistics similarity_of_raw(const CaptureReader& reader, std::int64_t first,
                                  std::int64_t count, int threads);

}  // namespace kvscope
