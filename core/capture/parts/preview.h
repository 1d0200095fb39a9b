#pragma once

#include "core/capture/parts/part_row.h"
#include "core/capture/schema.h"

namespace kvscope {

namespace schema {

inline constexpr Dataset preview{
    "/samples/preview", "sample y x rgb", Type::uint8, 1, "1", "the image, shrunk, 8-bit sRGB"};

}  // namespace schema

/// The images, shrunk.
extern const PartRow preview_part;

}  // namespace kvscope
