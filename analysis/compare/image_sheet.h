#pragma once

#include <vector>

#include "core/image/image.h"

namespace kvscope {

struct LoadedCapture;

/// One row per sample: the baseline's picture, then every other file's picture and its difference
/// to the baseline (|a − b| × 4). At most `samples` rows. Throws UsageError unless the files drew
/// the same samples, BadInput when a PNG is missing.
Image image_sheet(const std::vector<LoadedCapture>& files, int samples);

}  // namespace kvscope
