#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kvscope {

/// The candidate nearest to `word` by edit distance, or an empty string when none is near enough to
/// be a typing mistake. `surely`: two letters apart at most, however long the word.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates,
                    bool surely = false);

/// `message` with the candidate that was probably meant after it: the nearest to `word`, else those
/// that begin with it.
std::string with_suggestion(std::string message, std::string_view word,
                            const std::vector<std::string>& candidates);

/// Throws UsageError unless `word` is one of `known`; the message lists them and suggests the
/// nearest.
void check_known(std::string_view option, std::string_view word,
                 const std::vector<std::string>& known);

}  // namespace kvscope
