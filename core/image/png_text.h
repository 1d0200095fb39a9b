#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kvscope {

/// Texts of a picture by keyword, PNG's tEXt chunks: Latin-1, keywords of 1 to 79 letters.
using PngTexts = std::map<std::string, std::string>;

/// The bytes of a PNG file with `texts` right behind its header, keywords ascending.
std::vector<std::uint8_t> with_png_texts(const std::vector<std::uint8_t>& png,
                                         const PngTexts& texts);

/// The texts that stand before the pixels of the PNG file `path`. There are none when it is no PNG
/// file, or when it breaks off before them.
PngTexts read_png_texts(const std::string& path);

}  // namespace kvscope
