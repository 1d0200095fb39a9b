#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/table.h"

namespace kvscope {

/// Text for HTML and SVG, between tags or in quotes; control characters become spaces.
std::string escape_markup(std::string_view text);

/// RFC 4648, padded.
std::string base64(const std::vector<std::uint8_t>& bytes);

/// An HTML table that scrolls sideways when it is wide, by keys too, with shadows at edges that
/// hide columns; columns of numbers are right-aligned, and only very long words break.
std::string html_table(const Table& table);

}  // namespace kvscope
