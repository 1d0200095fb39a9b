#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvscope::cli {

/// The candidate nearest to `word` by edit distance, or an empty string when none is near enough to
/// be a typing mistake.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace kvscope::cli
