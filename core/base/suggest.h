#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// The candidate nearest to `word` by edit distance, or an empty string when none is near enough to
/// be a typing mistake.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `message` with the nearest candidate to `word` after it, when one is near.
std::string with_suggestion(std::string message, std::string_view word,
                            const std::vector<std::string>& candidates);

/// Throws UsageError unless `word` is one of `known`; the message lists them and suggests the
/// nearest.
void check_known(std::string_view option, std::string_view word,
                 const std::vector<std::string>& known);

}  // namespace kvscope
