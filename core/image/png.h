#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/image/image.h"
#include "core/image/png_text.h"

namespace kvscope {

/// Reads a PNG of any colour type as 8-bit RGB; transparency is laid over black. Throws BadInput:
/// no such file, not a PNG, truncated, wider or higher than 16384 pixels.
Image read_png(const std::string& path);

/// Writes an 8-bit RGB PNG. Throws Error with the path when the file cannot be written.
void write_png(const std::string& path, const Image& image, const PngTexts& texts = {});

/// The bytes of that PNG file.
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace kvscope
