#pragma once

#include <cstdint>
#include <vector>

#include "core/capture/open_capture.h"
#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset nonfinite_image_values{
    "/samples/nonfinite_image_values",
    "sample",
    Type::int64,
    0,
    "1",
    "values behind the image, of f_hat and of the decoder's output, that were NaN or infinite"};

}  // namespace schema

/// Which images show no picture of the model.
extern const PartRow image_check_part;

/// Committed samples, counted from the first one of the file, behind whose image a value was NaN or
/// infinite. Empty where the file does not know.
std::vector<std::int64_t> read_nonfinite_images(const OpenCapture& file);

}  // namespace kvscope
